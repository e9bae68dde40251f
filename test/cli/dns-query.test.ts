import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CorefileAnswer } from "../../src/cli/query-corefile.ts";
import { startTestUpstream, type TestUpstream } from "../dns/support/test-upstream.ts";
import { runSluice } from "../support/run-sluice.ts";

const MANIFESTS = ["--manifests", "manifests/examples/openai", "--gateway-address", "egress=10.96.0.50"];

let upstream: TestUpstream;
let folder: string;
let corefile: string;

beforeAll(async () => {
  upstream = await startTestUpstream({
    zone: [
      "example.org. 300 A 192.0.2.1",
      "alias.example.org. 300 CNAME api.openai.com.",
      "api.openai.com. 300 A 203.0.113.7",
    ],
  });
  folder = mkdtempSync(join(tmpdir(), "sluice-query-"));
  corefile = join(folder, "Corefile");
  writeFileSync(
    corefile,
    `.:53 {
      errors
      rewrite name exact old.example example.org
      sluice
      cache 30
      forward . 127.0.0.1:${upstream.port}
    }
    blocked.test:53 {
      acl {
        allow net 10.0.0.0/8
        block
      }
      whoami
    }
    other.test:5300 {
      hosts {
        192.0.2.9 www.other.test
      }
    }
    `,
  );
});
afterAll(async () => {
  await upstream.close();
  rmSync(folder, { recursive: true });
});

async function query(...args: readonly string[]): Promise<CorefileAnswer> {
  const run = await runSluice(["dns", "query", ...args, "--corefile", corefile, "--format", "json"]);
  expect([run.exitCode, run.stderr]).toEqual([0, ""]);
  return JSON.parse(run.stdout) as CorefileAnswer;
}

describe("dns query with a Corefile", () => {
  test("says which listener, server block and directive answered, and why", async () => {
    expect(await query("api.openai.com", ...MANIFESTS)).toMatchObject({
      name: "api.openai.com.",
      type: "A",
      listener: "dns://:53",
      zone: ".",
      answeredBy: "sluice",
      message: { rcode: "NOERROR", answer: ["api.openai.com. 5 A 10.96.0.50"] },
      egress: { action: "answer", reason: "steered", listener: "openai" },
    });
  });

  test("shows what each directive did, in the order in which they were asked", async () => {
    const { trace } = await query("old.example", ...MANIFESTS, "--trace");
    expect(trace.map(({ directive, action }) => [directive, action])).toEqual([
      ["errors", "passed"],
      ["rewrite", "changed"],
      ["sluice", "passed"],
      ["cache", "miss"],
      ["forward", "answered"],
    ]);
    expect(trace[1]).toMatchObject({ question: "old.example. A", askedInstead: ["example.org. A"], removed: [] });
    expect(trace[4]).toMatchObject({ rcode: "NOERROR", records: 1 });
  });

  test("shows what was counted: the upstream that was asked, and what the guard shut", async () => {
    const { counts } = await query("alias.example.org", ...MANIFESTS, "--trace");
    expect(counts).toMatchObject({ 'sluice_dns_bypass_prevented_total{kind="cname"}': 1 });
    expect(Object.keys(counts)).toContainEqual(
      expect.stringMatching(/^coredns_proxy_request_duration_seconds\{.*to="127\.0\.0\.1:\d+"\}$/),
    );
  });

  test("leaves the trace out unless it is asked for", async () => {
    const answer = await query("example.org");
    expect([answer.trace, answer.counts]).toEqual([undefined, undefined]);
  });

  test("names the records that the guard held back", async () => {
    const answer = await query("alias.example.org", ...MANIFESTS);
    expect(answer.heldBack).toEqual([expect.stringMatching(/^api\.openai\.com\. \d+ A 203\.0\.113\.7$/)]);
    expect(answer.message?.answer).toContainEqual(expect.stringMatching(/^api\.openai\.com\. 5 A 10\.96\.0\.50$/));
    expect(answer.answeredBy).toBe("sluice");
  });

  test("explains the name that a rewriting directive made of the question", async () => {
    const { egress } = await query("old.example", ...MANIFESTS);
    expect(egress).toMatchObject({ name: "example.org.", reason: "not-egress" });
  });

  test("asks no upstream offline, and says so", async () => {
    const before = upstream.seen.length;
    const answer = await query("example.org", "--offline");
    expect(answer).toMatchObject({
      answeredBy: "forward",
      message: { rcode: "SERVFAIL", edns: { errors: [{ code: 0, text: "not asked: the question was put offline" }] } },
    });
    expect(upstream.seen.length).toBe(before);
  });

  test("puts the question in the name of the client that is given", async () => {
    expect((await query("a.blocked.test", "--client", "10.1.2.3")).message?.rcode).toBe("NOERROR");
    expect(await query("a.blocked.test", "--client", "192.168.1.1")).toMatchObject({
      zone: "blocked.test.",
      answeredBy: "acl",
      message: { rcode: "REFUSED" },
    });
  });

  test("takes the listener that has the name, unless a port is given", async () => {
    expect(await query("www.other.test", "--port", "5300")).toMatchObject({
      listener: "dns://:5300",
      zone: "other.test.",
      answeredBy: "hosts",
    });
    expect(await query("example.net", "--port", "5300")).toMatchObject({
      zone: null,
      answeredBy: null,
      message: { rcode: "REFUSED" },
    });
  });

  test("asks over TCP and for signatures when told", async () => {
    const seen = upstream.seen.length;
    expect(await query("example.org", "--tcp", "--dnssec")).toMatchObject({
      protocol: "tcp",
      message: { edns: { dnssecOk: true } },
    });
    expect(upstream.seen.slice(seen)).toMatchObject([{ proto: "tcp" }]);
  });

  test("uses the default Corefile when an upstream is all that is given", async () => {
    const run = await runSluice([
      ...["dns", "query", "example.org", ...MANIFESTS],
      ...["--upstream", `127.0.0.1:${upstream.port}`, "--trace"],
    ]);
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain("example.org. A: NOERROR, answered by 'forward'");
    expect(run.stdout).toMatch(/^ {2}cache +\d+(\.\d+)? ms {2}miss: asked behind it$/m);
    expect(run.stdout).toMatch(/^ {2}forward +\d+(\.\d+)? ms {2}answered NOERROR, 1 record$/m);
  });

  test("gives the upstream's failure as an answer with its reason", async () => {
    upstream.silence(true);
    writeFileSync(join(folder, "closed"), ".:53 {\nerrors\nforward . 127.0.0.1:1\n}\n");
    const run = await runSluice(["dns", "query", "example.org", "--corefile", join(folder, "closed")]);
    upstream.silence(false);
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain("SERVFAIL, answered by 'forward'");
    expect(run.stdout).toContain("127.0.0.1:1: connection refused");
    expect(run.stdout).toContain("plugin/errors: 2 example.org. A:");
  });
});

describe("dns query refuses", () => {
  test.each([
    ["a port that no listener has", ["--corefile", "COREFILE", "--port", "54"], "it listens on dns://:53"],
    ["a trace of no Corefile", ["--manifests", "manifests/examples/openai", "--trace"], "--trace needs a Corefile"],
    ["to explain a running server", ["--server", "127.0.0.1", "--trace"], "--trace has no meaning with --server"],
    ["a Corefile that is not there", ["--corefile", "/nonexistent"], "SLUICE_INPUT_UNREADABLE"],
    ["a port that is none", ["--corefile", "COREFILE", "--port", "0"], "It must be a port"],
  ])("%s", async (_title, args, expected) => {
    const run = await runSluice([
      ...["dns", "query", "example.org"],
      ...args.map((arg) => (arg === "COREFILE" ? corefile : arg)),
    ]);
    expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining(expected)]);
  });
});
