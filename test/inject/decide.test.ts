import { describe, expect, test } from "vitest";
import { decideInjection, type InjectionDecision } from "../../src/inject/decide.ts";
import { renderNotice } from "../../src/inject/notice.ts";
import { buildProfile } from "../../src/inject/profile.ts";
import { CLUSTER, CONFIG, inputWith, OURS, podWith } from "./inputs.ts";
import { EXCLUDED_ROWS } from "./rows/excluded.ts";
import { OWN_DNS_ROWS } from "./rows/own-dns.ts";
import { REQUEST_ROWS } from "./rows/requests.ts";
import type { Row } from "./rows/row.ts";

const ROWS: readonly Row[] = [...OWN_DNS_ROWS, ...EXCLUDED_ROWS, ...REQUEST_ROWS];

const outcomeOf = (decision: InjectionDecision): string =>
  decision.action === "deny" && decision.temporary ? "deny-now" : decision.action;

const decideRow = ({ change, labels = {} }: Row, egress: string): InjectionDecision => {
  const input = inputWith({ egress, ...change });
  const { namespace } = input;
  // Rows about a namespace bring their own; the mode is laid over those that have labels for something else.
  const own = change.namespace !== undefined && change.namespace.labels?.["sluice.dev/egress"] === undefined;
  const optedIn = !own || ["istio-system", "cert-manager", "calico-system"].includes(namespace.name);
  const mode = optedIn ? { "sluice.dev/egress": egress } : {};
  const mine = change.namespace?.labels ?? {};
  return decideInjection({ ...input, namespace: { ...namespace, labels: { ...mode, ...labels, ...mine } } });
};

describe.each(ROWS.map((row) => [`row ${row.row}: ${row.title.slice(0, 120)}`, row] as const))("%s", (_, row) => {
  test("where the namespace is enabled", () => {
    const decision = decideRow(row, "enabled");
    expect([outcomeOf(decision), decision.reason]).toEqual([row.lenient, row.reason]);
    expect(decision.warnings.map(({ code }) => code)).toEqual(row.warns ?? []);
  });

  test("where the namespace is strict", () => {
    const decision = decideRow(row, "strict");
    expect([outcomeOf(decision), decision.reason]).toEqual([row.strict, row.strictReason ?? row.reason]);
    if (decision.action === "deny") expect(decision.cause.hint).not.toBe("");
  });
});

describe("what an injected pod gets", () => {
  const configOf = (spec: object, profile = buildProfile()) => {
    const decision = decideInjection(inputWith({ pod: podWith(spec), profile }));
    return decision.action === "inject" ? decision.config : decision.reason;
  };

  test("our nameservers, the cluster's searches in the kubelet's order, and ndots 5", () => {
    expect(configOf({})).toEqual(CONFIG);
  });

  test("row 3: its own value of an option, and the others of ours", () => {
    const options = [{ name: "ndots", value: "2" }, { name: "edns0" }];
    expect(configOf({ dnsConfig: { options } })).toMatchObject({
      options: [
        { name: "ndots", value: "2" },
        { name: "timeout", value: "2" },
        { name: "attempts", value: "3" },
        { name: "edns0" },
      ],
    });
  });

  test("row 4: its own searches after the cluster's, once each", () => {
    const searches = ["corp.example", "svc.cluster.local", "corp.example."];
    expect(configOf({ dnsConfig: { searches } })).toMatchObject({ searches: [...CONFIG.searches, "corp.example"] });
  });

  test("the profile's searches between the two", () => {
    const profile = buildProfile({ extraSearches: ["node.example"] });
    expect(configOf({ dnsConfig: { searches: ["corp.example"] } }, profile)).toMatchObject({
      searches: [...CONFIG.searches, "node.example", "corp.example"],
    });
  });

  test("row 6: not the profile's searches when the list would be too long", () => {
    const profile = buildProfile({ extraSearches: ["node.example"] });
    const searches = Array.from({ length: 29 }, (_, at) => `s${at}.example`);
    expect(configOf({ dnsConfig: { searches } }, profile)).toMatchObject({
      searches: [...CONFIG.searches, ...searches],
    });
  });

  test("fields of dnsConfig that we do not know, as they are", () => {
    expect(configOf({ dnsConfig: { fromTheFuture: { a: [1] } } })).toEqual({ ...CONFIG, fromTheFuture: { a: [1] } });
  });

  test("row 37: the search domains of the request's namespace, not of the pod's own", () => {
    const decision = decideInjection(inputWith({ pod: podWith({}, { namespace: "elsewhere" }) }));
    expect(decision).toMatchObject({ config: { searches: CONFIG.searches } });
  });

  test("row 55: at most three nameservers, all ours", () => {
    const resolver = {
      status: "usable",
      nameservers: ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"],
      ready: true,
    } as const;
    const decision = decideInjection(inputWith({ cluster: { ...CLUSTER, resolver } }));
    expect(decision).toMatchObject({ config: { nameservers: ["10.0.0.1", "10.0.0.2", "10.0.0.3"] } });
  });
});

describe("row 74: an audit namespace", () => {
  test("skips the pod and says what would be set", () => {
    const decision = decideInjection(inputWith({ egress: "audit" }));
    expect(decision).toMatchObject({ action: "skip", reason: "audit-only", config: CONFIG });
    expect(decision.warnings.map(renderNotice)).toEqual([
      `audit-only: spec.dnsPolicy: would set None with nameservers ${OURS}`,
    ]);
  });

  test("warns of what would not be routed, as an enabled one does", () => {
    const decision = decideInjection(inputWith({ egress: "audit", pod: podWith({ dnsPolicy: "Default" }) }));
    expect(decision).toMatchObject({ action: "skip", reason: "dns-policy-default" });
    expect(decision.warnings).toHaveLength(1);
  });
});

describe("the namespace", () => {
  test("counts as enabled with a warning when its label is misspelt", () => {
    const decision = decideInjection(inputWith({ egress: "stricct" }));
    expect(decision).toMatchObject({ action: "inject", mode: "enabled" });
    expect(decision.warnings.map(({ code }) => code)).toEqual(["namespace-label-invalid"]);
  });

  test("counts as enabled when it is not in view", () => {
    expect(decideInjection(inputWith({ namespace: { name: "apps" } }))).toMatchObject({ action: "inject" });
  });
});

describe("values for the audit log", () => {
  test("say decision, reason and profile", () => {
    const { audit } = decideInjection(inputWith());
    expect(audit).toEqual({ decision: "injected", reason: "cluster-first", profile: inputWith().profile.fingerprint });
  });

  test("are left out in a second round, where the first round's must stand", () => {
    const metadata = { annotations: { "sluice.dev/dns": "{}" } };
    const second = decideInjection(inputWith({ pod: podWith({ dnsPolicy: "None", dnsConfig: CONFIG }, metadata) }));
    expect(second).toMatchObject({ action: "unchanged", audit: {} });
  });

  test("keep every warning within 120 characters", () => {
    const long = ROWS.flatMap((row) => decideRow(row, "enabled").warnings.map(renderNotice)).filter(
      (text) => text.length > 120 && !text.includes("a".repeat(100)),
    );
    expect(long).toEqual([]);
  });
});
