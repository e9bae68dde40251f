import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import jsonPatch from "fast-json-patch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { currentCluster } from "./cluster.ts";
import { untilPodsAreAccepted } from "./control-plane/start.ts";
import { type Installation, install, NAMESERVER } from "./installation.ts";

const REVIEWS = join(import.meta.dirname, "..", "fixtures", "admission-reviews");

type Outcome = "injected" | "skipped with a warning" | "allowed" | "denied";

/** What the reviews that a real API server sent must get, in a cluster whose namespace `apps` is opted in. */
const OUTCOMES: Readonly<Record<string, Outcome>> = {
  "mutate-create-pods-bare": "injected",
  "mutate-create-pods-db-0": "injected",
  "mutate-create-pods-dry": "injected",
  "mutate-create-pods-gen": "injected",
  "mutate-create-pods-hostnet": "injected",
  "mutate-create-pods-nonedns": "skipped with a warning",
  "mutate-create-pods-once": "injected",
  "mutate-create-pods-userdns": "injected",
  "mutate-create-pods-web-7df9fc76b5": "injected",
  "mutate-delete-pods-hostnet": "allowed",
  "mutate-update-pods-bare": "allowed",
  "mutate-update-pods-ephemeralcontainers-bare": "allowed",
  "validate-create-authorizationpolicies-httpbin": "allowed",
  "validate-create-authpolicies-openai-credential-injection": "allowed",
  "validate-create-cronjobs-tick": "allowed",
  "validate-create-deployments-web": "allowed",
  "validate-create-gateways-kuadrant-egressgateway": "allowed",
  "validate-create-httproutes-httpbin-external": "allowed",
  "validate-create-jobs-once": "allowed",
  "validate-create-jobs-tick-29920554": "allowed",
  "validate-create-ratelimitpolicies-egress-per-workload": "allowed",
  "validate-create-ratelimitpolicies-egress-source-address": "denied",
  "validate-create-ratelimitpolicies-openai-rate-limit": "allowed",
  "validate-create-serviceentries-httpbin-external": "allowed",
  "validate-create-statefulsets-db": "allowed",
  "validate-create-virtualservices-httpbin": "allowed",
  "validate-update-gateways-kuadrant-egressgateway": "allowed",
  "validate-update-httproutes-httpbin-external": "allowed",
  "validate-update-serviceentries-httpbin.org": "allowed",
};

type Recorded = {
  readonly http: { readonly path: string; readonly headers: Readonly<Record<string, string>> };
  readonly review: { readonly request: { readonly uid: string; readonly object: object | null } };
};
type Response = {
  readonly uid: string;
  readonly allowed: boolean;
  readonly patch?: string;
  readonly patchType?: string;
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
};

const cluster = currentCluster();
let sluice: Installation;

beforeAll(async () => {
  sluice = await install(cluster);
  await sluice.emptyGateways();
  await cluster.kubectl.must(["create", "namespace", "apps"]);
  await cluster.kubectl.must(["label", "namespace", "apps", "sluice.dev/egress=enabled"]);
  await untilPodsAreAccepted(cluster.kubectl, "apps");
  await sluice.untilOptedIn("apps");
});
afterAll(() => sluice?.close());

/** Sends a recorded review over TLS as the API server did: same path, same headers, certificate checked. */
function post({ http, review }: Recorded): Promise<{ status: number | undefined; body: unknown }> {
  const content = JSON.stringify(review);
  const headers = { ...http.headers, "Content-Length": Buffer.byteLength(content) };
  const ca = readFileSync(join(sluice.certificates, "ca.crt"));
  return new Promise((resolve, reject) => {
    const options = { method: "POST", path: http.path, port: sluice.ports.admission, host: "127.0.0.1", headers, ca };
    const sent = request({ ...options, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) }),
      );
    });
    sent.on("error", reject);
    sent.end(content);
  });
}

const read = (name: string): Recorded => JSON.parse(readFileSync(join(REVIEWS, `${name}.json`), "utf8")) as Recorded;

function outcomeOf({ allowed, patch, warnings = [] }: Response): Outcome {
  if (!allowed) return "denied";
  if (patch !== undefined) return "injected";
  return warnings.some((warning) => warning.includes("not routed")) ? "skipped with a warning" : "allowed";
}

test("every recorded review has an expected outcome", () => {
  const recorded = readdirSync(REVIEWS).map((file) => file.replace(/\.json$/, ""));
  expect(recorded.sort()).toEqual(Object.keys(OUTCOMES).sort());
});

describe.each(Object.entries(OUTCOMES))("the recorded review %s", (name, outcome) => {
  test(`is ${outcome}, in the form that the API server asks for`, async () => {
    const recorded = read(name);
    const { status, body } = await post(recorded);
    expect(status).toBe(200);
    expect(body).toMatchObject({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" });
    const { response } = body as { response: Response };
    expect(response.uid).toBe(recorded.review.request.uid);
    expect(outcomeOf(response), JSON.stringify(response)).toBe(outcome);
    for (const warning of response.warnings ?? []) expect(warning).toMatch(/^[ -~]{1,120}$/);
    for (const key of Object.keys(response.auditAnnotations ?? {}))
      expect(key).toMatch(/^[A-Za-z0-9][-A-Za-z0-9_.]{0,62}$/);
    expect(response.patchType).toBe(response.patch === undefined ? undefined : "JSONPatch");
    if (response.patch !== undefined) expectRouted(recorded, response.patch);
    if (!response.allowed) expect(response.status).toMatchObject({ code: 422, reason: "Invalid" });
  });
});

function expectRouted({ review }: Recorded, patch: string): void {
  const operations = JSON.parse(Buffer.from(patch, "base64").toString());
  const { newDocument } = jsonPatch.applyPatch(review.request.object, operations, true, false);
  type Pod = { spec: { dnsPolicy: string; dnsConfig: { nameservers: string[] } } };
  const { spec } = newDocument as unknown as Pod;
  expect(spec.dnsPolicy).toBe("None");
  expect(spec.dnsConfig.nameservers).toEqual([NAMESERVER]);
}
