import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decide } from "../../../../src/dns/decide.ts";
import { guardAnswer } from "../../../../src/dns/guard.ts";
import { compileTable } from "../../../../src/dns/table.ts";
import { typeCode } from "../../../../src/dns/wire/codes.ts";
import { readMessage } from "../../../../src/dns/wire/records.ts";
import { buildTopology } from "../../../../src/model/topology.ts";
import { applyGatewayAddresses } from "../../../../src/sources/gateway-addresses.ts";
import { topologyOf } from "../../../support/topology-of.ts";
import { encodeQuery } from "../../support/dns-client.ts";
import { encodeRecord, parseRecord, rawName } from "../../support/zone.ts";

const guide = readFileSync("src/dns/directives/sluice/outside-gateway.md", "utf8");
const yaml = /```yaml\n([\s\S]*?)```/.exec(guide)?.[1] ?? "";
const topology = topologyOf(yaml);
const table = compileTable(topology);

describe("the gateway outside the cluster of the guide", () => {
  test("is what its name is answered with", () => {
    expect(topology.egressHostnames).toMatchObject([
      { hostname: "api.openai.com", state: { status: "ready", addresses: ["203.0.113.10"] }, losers: [] },
    ]);
  });

  test.each([
    ["api.openai.com", "A", "answer: steered"],
    ["api.openai.com", "AAAA", "answer: no-such-type"],
    ["api.openai.com", "HTTPS", "answer: no-such-type"],
    ["_443._https.api.openai.com", "HTTPS", "answer: attribute-name"],
    ["api.openai.com.default.svc.cluster.local", "A", "answer: search-expansion"],
    ["openai.com", "A", "forward: not-egress"],
  ])("%s %s: %s", (name, type, expected) => {
    const decision = decide(table, { key: rawName(name), type: typeCode(type) ?? 0, fromGateway: false });
    expect("reason" in decision && `${decision.action}: ${decision.reason}`).toBe(expected);
  });

  test("keeps aliases that lead to its name from the real address", () => {
    const question = encodeQuery({ name: "alias.example.", type: "A" });
    question.writeUInt16BE(2, 6);
    const records = ["alias.example. 60 CNAME api.openai.com.", "api.openai.com. 60 A 6.6.6.6"].map(parseRecord);
    const message = readMessage(Buffer.concat([question, ...records.map(encodeRecord)]));
    if (message === undefined) throw new Error("bad message in a test");
    const { keep, splice } = guardAnswer(message, table);
    expect(keep).toHaveLength(1);
    expect(splice?.entry.addresses).toEqual(["203.0.113.10"]);
  });

  test("can have its address from the command line", () => {
    const { decoded } = topologyOf(yaml.replace(/status:\n[\s\S]*?---/, "---"));
    expect(buildTopology(decoded).egressHostnames[0]?.state.status).toBe("closed");
    const given = { namespace: "egress", name: "outside", address: "203.0.113.10" };
    const { objects, problems } = applyGatewayAddresses(decoded, [given]);
    expect(problems).toEqual([]);
    expect(buildTopology(objects).egressHostnames).toEqual(topology.egressHostnames);
  });
});
