import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fjp from "fast-json-patch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OURS } from "../inject/inputs.ts";
import { keepAliveAgent, type Reply, send } from "./client.ts";
import { type Started, start } from "./started.ts";

const FOLDER = join(import.meta.dirname, "../fixtures/admission-reviews");
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));

/** What becomes of each recorded pod in an enabled namespace. */
const MUTATIONS: Readonly<Record<string, { injected: boolean; warnings?: readonly string[] }>> = {
  "mutate-create-pods-bare.json": { injected: true },
  "mutate-create-pods-db-0.json": { injected: true },
  "mutate-create-pods-dry.json": { injected: true },
  "mutate-create-pods-gen.json": { injected: true },
  "mutate-create-pods-hostnet.json": { injected: true },
  "mutate-create-pods-nonedns.json": {
    injected: false,
    warnings: ["dns-policy-none: spec.dnsPolicy: not routed: dnsPolicy None with a foreign nameserver: 1.1.1.1"],
  },
  "mutate-create-pods-once.json": { injected: true },
  "mutate-create-pods-userdns.json": { injected: true },
  "mutate-create-pods-web-7df9fc76b5.json": { injected: true },
  "mutate-delete-pods-hostnet.json": { injected: false },
  "mutate-update-pods-bare.json": { injected: false },
  "mutate-update-pods-ephemeralcontainers-bare.json": { injected: false },
};

const read = (file: string) => JSON.parse(readFileSync(join(FOLDER, file), "utf8"));

describe("reviews as a real API server sent them", () => {
  let started: Started;
  let agent: ReturnType<typeof keepAliveAgent>;

  beforeAll(async () => {
    started = await start();
    agent = keepAliveAgent(started.ca);
  });
  afterAll(async () => {
    agent.destroy();
    await started.admission.close();
  });

  const replay = (file: string): Promise<Reply> => {
    const { http, review } = read(file);
    const body = JSON.stringify(review);
    const headers = { ...http.headers, "Content-Length": String(Buffer.byteLength(body)) };
    return send({ port: started.admission.port, path: http.path, agent, headers }, body);
  };

  test("are all here", () => {
    expect(FILES).toHaveLength(29);
    expect(FILES.filter((name) => name.startsWith("mutate-"))).toEqual(Object.keys(MUTATIONS));
  });

  test.each(FILES)("%s is answered by the contract", async (file) => {
    const { status, headers, json } = await replay(file);
    expect(status).toBe(200);
    expect(headers["content-type"]).toMatch(/^application\/json/);
    expect(headers["connection"]).not.toBe("close");
    expect(json).toMatchObject({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: { uid: read(file).review.request.uid, allowed: true },
    });
    expect("patch" in json.response).toBe("patchType" in json.response);
  });

  test.each(Object.entries(MUTATIONS))("%s is patched or not", async (file, { injected, warnings }) => {
    const { response } = (await replay(file)).json;
    expect(response.warnings).toEqual(warnings);
    expect("patch" in response).toBe(injected);
    if (!injected) return;
    const { object, namespace } = read(file).review.request;
    const patch = JSON.parse(Buffer.from(response.patch, "base64").toString());
    const { newDocument } = fjp.applyPatch(object, patch, true, false);
    expect(newDocument.spec.dnsPolicy).toBe("None");
    expect(newDocument.spec.dnsConfig.nameservers).toEqual([OURS]);
    expect(newDocument.spec.dnsConfig.searches[0]).toBe(`${namespace}.svc.cluster.local`);
    expect({ ...newDocument.spec, dnsPolicy: 0, dnsConfig: 0 }).toEqual({ ...object.spec, dnsPolicy: 0, dnsConfig: 0 });
  });

  test("keep the pod's own options and searches", async () => {
    const { response } = (await replay("mutate-create-pods-userdns.json")).json;
    const patch = JSON.parse(Buffer.from(response.patch, "base64").toString());
    expect(patch.at(-1).value).toEqual({
      nameservers: [OURS],
      searches: ["apps.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp.example"],
      options: [
        { name: "ndots", value: "2" },
        { name: "timeout", value: "2" },
        { name: "attempts", value: "3" },
        { name: "edns0" },
      ],
    });
  });

  test("give the same answer to the same review", async () => {
    const [first, second] = [
      await replay("mutate-create-pods-once.json"),
      await replay("mutate-create-pods-once.json"),
    ];
    expect(first.text).toBe(second.text);
  });
});
