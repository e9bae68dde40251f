import { describe, expect, test } from "vitest";
import { describeMessage, renderMessage } from "../../src/dns/describe-message.ts";
import { explainAnswer } from "../../src/dns/explain-answer.ts";
import { compileTable } from "../../src/dns/table.ts";
import { typeCode } from "../../src/dns/wire/codes.ts";
import { claim, closed, gatewayRef, unresolved } from "./support/views.ts";

const VIEW = {
  egressHostnames: [
    { ...claim("api.openai.com"), losers: [gatewayRef("younger")] },
    claim("*.anthropic.com"),
    claim("down.com", closed("it has no address yet")),
    claim("lb.com", unresolved("lb.example.net")),
  ],
  gatewayPodAddresses: ["10.244.1.5"],
};
const TABLE = compileTable(VIEW);

function explain(name: string, type: string, client?: string, table = TABLE) {
  const explained = explainAnswer({ table, name, type: typeCode(type) ?? 0, ...(client && { client }) });
  if (!explained.ok) throw new Error(explained.problems.join());
  return explained.value;
}

describe("explaining an answer", () => {
  test("a steered name shows the answer, the claim, the conflict and the address", () => {
    expect(explain("API.openai.com", "A")).toMatchObject({
      action: "answer",
      reason: "steered",
      message: { rcode: "NOERROR", answer: ["API.openai.com. 5 A 10.96.10.10"] },
      gateway: { name: "egress" },
      listener: "listener",
      steps: [
        "API.openai.com. is an egress hostname: the hostname api.openai.com is claimed by Gateway gateway-system/egress, listener listener",
        "Gateway gateway-system/younger claims it too and is younger, so it does not count",
        "the gateway's address is 10.96.10.10",
        "the answer is the gateway's address; its real address is not asked for",
      ],
    });
  });

  test.each([
    ["docs.anthropic.com", "HTTPS", "no-such-type", "the wildcard *.anthropic.com"],
    ["down.com", "A", "closed", "it has no address yet"],
    ["lb.com", "A", "resolve", "lb.example.net"],
    ["api.openai.com", "MX", "passthrough", "without aliases"],
    ["api.openai.com.default.svc.cluster.local", "A", "search-expansion", "search list"],
    ["example.org", "A", "not-egress", "forwarded"],
  ])("%s %s: %s", (name, type, reason, text) => {
    const explained = explain(name, type);
    expect(explained.reason).toBe(reason);
    expect(explained.steps.join("\n")).toContain(text);
  });

  test.each([
    ["docs.anthropic.com", { except: ["docs.anthropic.com"] }, "but 'except' leaves it alone: it is forwarded"],
    ["api.openai.com", { zones: ["anthropic.com", "down.com"] }, "but lies outside anthropic.com., down.com.: it is"],
  ])("%s, claimed but left alone, says why", (name, options, text) => {
    const { reason, steps } = explain(name, "A", undefined, compileTable(VIEW, options));
    expect(reason).toBe("not-egress");
    expect(steps).toHaveLength(1);
    expect(steps[0]).toContain("is claimed by Gateway gateway-system/egress");
    expect(steps[0]).toContain(text);
  });

  test("a search list's name shows the alias and what is behind it", () => {
    const table = compileTable(VIEW, { search: "cname" });
    const name = "API.openai.com.default.svc.cluster.local";
    expect(explain(name, "A", undefined, table)).toMatchObject({
      reason: "search-expansion",
      message: { answer: [`${name}. 5 CNAME API.openai.com.`, "API.openai.com. 5 A 10.96.10.10"] },
    });
    expect(explain(name, "AAAA", undefined, table).message).toMatchObject({
      rcode: "NOERROR",
      answer: [`${name}. 5 CNAME API.openai.com.`],
      authority: ["API.openai.com. 5 SOA API.openai.com. nobody.invalid. 1 3600 1200 604800 5"],
    });
    const steps = explain("lb.com.default.svc.cluster.local", "A", undefined, table).steps;
    expect(steps.at(-1)).toContain("the answer is an alias of that hostname");
  });

  test("a closed name shows the extended error that clients get", () => {
    expect(explain("down.com", "A").message).toMatchObject({
      rcode: "SERVFAIL",
      edns: { errors: [{ code: 14, text: "egress gateway gateway-system/egress: it has no address yet" }] },
    });
  });

  test("a gateway's own pod is forwarded", () => {
    expect(explain("api.openai.com", "A", "::ffff:10.244.1.5")).toMatchObject({
      action: "forward",
      reason: "gateway-client",
    });
  });

  test("what is no name is refused", () => {
    const explained = explainAnswer({ table: TABLE, name: "a..b", type: 1 });
    expect(explained.ok ? "" : explained.problems.join()).toContain("'a..b'");
  });
});

describe("describing a message", () => {
  test("it is shown as text, extended errors included", () => {
    const { message } = explain("down.com", "A");
    expect(message && renderMessage(message)).toBe(
      "SERVFAIL (qr rd ra)\nextended error 14: egress gateway gateway-system/egress: it has no address yet",
    );
  });

  test("an empty answer is called by its name", () => {
    const { message } = explain("api.openai.com", "AAAA");
    expect(message && renderMessage(message)).toBe(
      "NOERROR, no data (qr aa rd ra)\nauthority:\n  api.openai.com. 5 SOA api.openai.com. nobody.invalid. 1 3600 1200 604800 5",
    );
  });

  test("ANY shows the record that stands for all", () => {
    expect(explain("api.openai.com", "ANY").message?.answer).toEqual(['api.openai.com. 5 HINFO "RFC8482" ""']);
  });

  test.each([
    ["nothing", ""],
    ["a header", "000081800001000000000000"],
    ["a record that is cut off", "00008180000100010000000001780000010001c00c0001"],
    ["junk", "ff".repeat(100)],
  ])("%s is refused, not thrown at", (_what, hex) => {
    expect(describeMessage(Buffer.from(hex, "hex")).ok).toBe(false);
  });
});
