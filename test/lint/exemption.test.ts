import { describe, expect, test } from "vitest";
import { parseExemptions } from "../../src/lint/exemption.ts";
import { rule } from "../../src/lint/rules/destinationrule-weak-verification.ts";
import { lintObject } from "../../src/lint/run.ts";
import { topologyOf } from "../support/topology-of.ts";

const NAMESPACE = (label: string) => `
apiVersion: v1
kind: Namespace
metadata: {name: g, labels: {${label}}}
---`;

const judged = (annotation: string, { namespace = "", tls = ", insecureSkipVerify: true" } = {}) => {
  const topology = topologyOf(`${namespace}
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: openai, namespace: g, annotations: {sluice.dev/ignore: ${JSON.stringify(annotation)}}}
spec: {host: api.openai.com, trafficPolicy: {tls: {mode: SIMPLE${tls}}}}`);
  const [object] = topology.objects.of("DestinationRule");
  if (object === undefined) throw new Error("the DestinationRule must be in view");
  const { findings, exempted } = lintObject(object, topology, { rules: [rule], profile: "strict" });
  return { findings: findings.map(({ rule: id, message }) => `${id}: ${message}`), exempted };
};

const ID = "destinationrule-weak-verification";
const FINDING = `${ID}: TLS to api.openai.com accepts every certificate, so anyone on the way can read the request`;

describe("the exemption annotation", () => {
  test.each([
    ["takes a finding out when it gives a reason", `${ID}: private link, own CA`, {}, [], [ID]],
    [
      "counts where the namespace allows it",
      `${ID}: private link`,
      { namespace: NAMESPACE('sluice.dev/allow-exemptions: "true"') },
      [],
      [ID],
    ],
    [
      "does not count without a reason",
      ID,
      {},
      [FINDING, `exemption-without-effect: the exemption from \`${ID}\` gives no reason, so it does not count`],
      [],
    ],
    [
      "does not count where the namespace does not allow it",
      `${ID}: because`,
      { namespace: NAMESPACE("a: b") },
      [FINDING, "exemption-without-effect: namespace `g` does not allow exemptions"],
      [],
    ],
    [
      "names a rule that does not exist",
      "no-such-rule: because",
      {},
      [FINDING, "exemption-without-effect: there is no rule `no-such-rule`"],
      [],
    ],
    [
      "is not needed when the rule finds nothing",
      `${ID}: because`,
      { tls: "" },
      [`exemption-without-effect: rule \`${ID}\` finds nothing here, so the exemption is not needed`],
      [],
    ],
  ])("%s", (_title, annotation, options, findings, exempted) => {
    expect(judged(annotation, options)).toEqual({ findings, exempted });
  });
});

test.each([
  [
    "a: b\n\n c :  d: e \n",
    [
      { rule: "a", reason: "b" },
      { rule: "c", reason: "d: e" },
    ],
  ],
  ["only-an-id", [{ rule: "only-an-id", reason: "" }]],
  ["", []],
])("%j is read line by line", (annotation, expected) => {
  expect(parseExemptions(annotation)).toEqual(expected);
});
