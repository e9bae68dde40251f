import fjp from "fast-json-patch";
import { describe, expect, test } from "vitest";
import { DNS_ANNOTATION, decideInjection } from "../../src/inject/decide.ts";
import { type AddOperation, buildPatch, checkPatch, dnsAnnotation } from "../../src/inject/patch.ts";
import { CONFIG, inputWith, OURS, PROFILE, podWith } from "./inputs.ts";

const injected = (pod: unknown) => {
  const decision = decideInjection(inputWith({ pod }));
  if (decision.action !== "inject") throw new Error(decision.reason);
  return { decision, patch: buildPatch(pod, decision, PROFILE) };
};

describe("the patch", () => {
  test.each([
    ["absent", undefined],
    ["null", null],
  ])("makes the annotations when they are %s", (_, annotations) => {
    const pod = podWith({}, { annotations });
    const { patch } = injected(pod);
    expect(patch[0]).toEqual({ op: "add", path: "/metadata/annotations", value: {} });
    const { newDocument } = fjp.applyPatch(JSON.parse(JSON.stringify(pod)), [...patch], true, true);
    expect(Object.keys(newDocument.metadata.annotations)).toEqual([DNS_ANNOTATION]);
  });

  test("replaces our annotation and leaves the others", () => {
    const { patch } = injected(podWith({}, { annotations: { [DNS_ANNOTATION]: "old", "a~b/c": "x" } }));
    expect(patch).toHaveLength(3);
    expect(patch.every(({ op }) => op === "add")).toBe(true);
  });

  test("carries a compact annotation with version, nameservers, profile and the policy replaced", () => {
    const { decision } = injected(podWith({ dnsPolicy: "ClusterFirstWithHostNet", hostNetwork: true }));
    expect(dnsAnnotation(decision, PROFILE)).toBe(
      `{"version":1,"nameservers":["${OURS}"],"profile":"${PROFILE.fingerprint}","replaced":"ClusterFirstWithHostNet"}`,
    );
  });
});

describe("the check before sending", () => {
  const pod = podWith({ dnsConfig: { searches: ["a.example"] } }, { annotations: { "a~b/c": "x" } });
  const check = (patch: readonly AddOperation[], subject: unknown = pod) =>
    checkPatch(subject, patch, injected(pod).decision, PROFILE);
  const right = injected(pod).patch;

  test("passes what was built", () => expect(check(right)).toBe(true));

  test("changes neither the pod nor the patch", () => {
    const bare = podWith({}, { annotations: undefined });
    const { decision, patch } = injected(bare);
    const before = JSON.stringify([bare, patch]);
    expect(checkPatch(bare, patch, decision, PROFILE)).toBe(true);
    expect(JSON.stringify([bare, patch])).toBe(before);
  });

  test.each<[string, readonly AddOperation[]]>([
    ["an operation is missing", right.slice(1)],
    ["one is too many", [...right, { op: "add", path: "/metadata/annotations/extra", value: "x" }]],
    ["a value differs", right.map((one) => (one.path === "/spec/dnsPolicy" ? { ...one, value: "Default" } : one))],
    ["a path does not exist", [...right, { op: "add", path: "/spec/absent/deeper", value: 1 }]],
    ["a path is none", [...right, { op: "add", path: "spec", value: 1 }]],
    ["it would reach a prototype", [...right, { op: "add", path: "/spec/__proto__/x", value: 1 }]],
  ])("fails when %s", (_, patch) => expect(check(patch)).toBe(false));

  test.each([null, [], {}, { metadata: {} }, { metadata: null, spec: null }])(
    "fails for what is no pod: %o",
    (subject) => {
      expect(check(right, subject)).toBe(false);
    },
  );

  test("keeps a key that looks like a prototype", () => {
    const odd = JSON.parse(
      '{"metadata":{"annotations":{"__proto__":"x","constructor":"y"}},"spec":{"dnsPolicy":"ClusterFirst"}}',
    );
    const { decision, patch } = injected(odd);
    expect(checkPatch(odd, patch, decision, PROFILE)).toBe(true);
    expect(decision.config).toEqual(CONFIG);
  });
});
