import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { createHostsHandler } from "../../../../src/dns/directives/hosts/handler.ts";
import type { HostsSettings } from "../../../../src/dns/directives/hosts/setup.ts";
import { refusal } from "../../../../src/dns/pipeline/answer.ts";
import { atOnce } from "../../support/answers.ts";
import { contextOf, delivered, exchangeOf } from "../../support/exchange.ts";
import { settingsOf } from "../load.ts";

const NEXT = refusal("next", 3);
const folder = mkdtempSync(join(tmpdir(), "hosts-"));
const closing: (() => void)[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const close of closing.splice(0)) close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function hostsOf(lines: string, file = join(folder, "none"), zones = "") {
  const [settings] = settingsOf(`hosts ${file} ${zones} {\n${lines}\n}`) as HostsSettings[];
  if (settings === undefined) throw new Error("no settings");
  const context = contextOf();
  const handler = await createHostsHandler(settings, context);
  closing.push(() => handler.close?.());
  const serve = handler.wrap(() => NEXT);
  const ask = (name: string, type = "A", klass = "IN") => {
    const exchange = exchangeOf({ name, type, class: klass });
    const answer = atOnce(serve(exchange));
    return answer === NEXT ? "next" : delivered(exchange, answer);
  };
  return { ask, serve, context, handler };
}

const LINES = `10.9.9.9 pin.example.org other.example.org
10.9.9.8 pin.example.org
2001:db8::1 six.example.org
10.1.1.1 *.wild.example.org`;

describe("listed names are answered with authority:", () => {
  test.each([
    ["pin.example.org.", "A", ["pin.example.org. 3600 A 10.9.9.9", "pin.example.org. 3600 A 10.9.9.8"]],
    ["PIN.example.ORG.", "A", ["PIN.example.ORG. 3600 A 10.9.9.9", "PIN.example.ORG. 3600 A 10.9.9.8"]],
    ["six.example.org.", "AAAA", ["six.example.org. 3600 AAAA 2001:db8::1"]],
    ["x.wild.example.org.", "A", ["x.wild.example.org. 3600 A 10.1.1.1"]],
    [
      "9.9.9.10.in-addr.arpa.",
      "PTR",
      ["9.9.9.10.in-addr.arpa. 3600 PTR pin.example.org.", "9.9.9.10.in-addr.arpa. 3600 PTR other.example.org."],
    ],
    [
      "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.",
      "PTR",
      [expect.stringContaining(" 3600 PTR six.example.org.")],
    ],
    ["six.example.org.", "A", []],
    ["pin.example.org.", "AAAA", []],
    ["pin.example.org.", "HTTPS", []],
    ["x.wild.example.org.", "TXT", []],
  ])("%s %s", async (name, type, answer) => {
    const reply = (await hostsOf(`${LINES}\nfallthrough`)).ask(name, type);
    expect(reply).toMatchObject({ rcode: "NOERROR", answer, authority: [], flags: expect.arrayContaining(["aa"]) });
  });

  test("with the ttl that is set", async () => {
    const { ask } = await hostsOf(`${LINES}\nttl 7`);
    expect(ask("six.example.org.", "AAAA")).toMatchObject({ answer: ["six.example.org. 7 AAAA 2001:db8::1"] });
    expect(ask("9.9.9.10.in-addr.arpa.", "PTR")).toMatchObject({ answer: [expect.stringContaining(" 7 PTR "), {}] });
  });
});

describe("other names:", () => {
  test.each([
    ["fail without fallthrough", "", "example.org.", "A", "SERVFAIL"],
    ["go on with it", "fallthrough", "example.org.", "A", "next"],
    ["go on in its zones", "fallthrough a.example.org", "x.a.example.org.", "A", "next"],
    ["fail outside of its zones", "fallthrough a.example.org", "b.example.org.", "A", "SERVFAIL"],
    ["go on outside of the directive's zones", "", "example.net.", "A", "next"],
    ["of no address go on whatever falls through", "", "1.1.1.1.in-addr.arpa.", "PTR", "next"],
    ["are those of two labels before a wildcard's base", "", "a.b.wild.example.org.", "A", "SERVFAIL"],
    ["are a wildcard's base", "", "wild.example.org.", "A", "SERVFAIL"],
    [
      "of other types of listed ones go on if asked for",
      "fallthrough\nfallthrough_unsupported",
      "pin.example.org.",
      "MX",
      "next",
    ],
    [
      "of the other family of listed ones do not",
      "fallthrough\nfallthrough_unsupported",
      "pin.example.org.",
      "AAAA",
      "NOERROR",
    ],
    [
      "of other types outside of its zones do not",
      "fallthrough a.example.org\nfallthrough_unsupported",
      "pin.example.org.",
      "MX",
      "NOERROR",
    ],
  ])("%s", async (_, options, name, type, outcome) => {
    const reply = (await hostsOf(`${LINES}\n${options}`)).ask(name, type);
    expect(reply === "next" ? reply : reply?.rcode).toBe(outcome);
  });

  test("of other classes go on", async () => {
    expect((await hostsOf(LINES)).ask("pin.example.org.", "A", "CH")).toBe("next");
  });
});

test("names outside of the zones are left out, their addresses too", async () => {
  const { ask } = await hostsOf("10.0.0.1 a.example.org a.example.net", undefined, "example.org");
  expect(ask("a.example.org.")).toMatchObject({ answer: ["a.example.org. 3600 A 10.0.0.1"] });
  expect(ask("a.example.net.")).toBe("next");
  expect(ask("1.0.0.10.in-addr.arpa.", "PTR")).toMatchObject({
    answer: ["1.0.0.10.in-addr.arpa. 3600 PTR a.example.org."],
  });
});

test("no_reverse leaves reverse names to others", async () => {
  expect((await hostsOf(`${LINES}\nno_reverse`)).ask("9.9.9.10.in-addr.arpa.", "PTR")).toBe("next");
});

describe("the file", () => {
  const write = (path: string, text: string, seconds: number): void => {
    writeFileSync(path, text);
    utimesSync(path, seconds, seconds);
  };

  test("comes before the lines of the Corefile, is read again when it changes, and is counted", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const path = join(folder, "changing");
    write(path, "10.0.0.2 a.example.org\n", 1000);
    const { ask, context } = await hostsOf("10.0.0.1 a.example.org", path);
    expect(ask("a.example.org.")).toMatchObject({
      answer: [expect.stringContaining("10.0.0.2"), expect.stringContaining("10.0.0.1")],
    });
    expect(context.counts).toEqual(
      new Map([
        ["coredns_hosts_entries", 4],
        ["coredns_hosts_reload_timestamp_seconds", 1000],
      ]),
    );
    write(path, "10.0.0.3 b.example.org\n10.0.0.3 b.example.org\n", 2000);
    vi.advanceTimersByTime(4999);
    expect(ask("b.example.org.")).toMatchObject({ rcode: "SERVFAIL" });
    vi.advanceTimersByTime(1);
    await vi.waitFor(() => expect(ask("b.example.org.")).toMatchObject({ answer: ["b.example.org. 3600 A 10.0.0.3"] }));
    expect(ask("a.example.org.")).toMatchObject({ answer: ["a.example.org. 3600 A 10.0.0.1"] });
    expect(context.counts.get("coredns_hosts_reload_timestamp_seconds")).toBe(2000);
  });

  test("keeps what was read when it goes away, and says so once", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const path = join(folder, "vanishing");
    write(path, "10.0.0.2 a.example.org\n", 1000);
    const { ask, context } = await hostsOf("reload 1s", path);
    expect(context.lines).toEqual([]);
    rmSync(path);
    vi.advanceTimersByTime(1000);
    await vi.waitFor(() => expect(context.lines).toHaveLength(1));
    expect(context.lines[0]).toMatchObject({
      level: "warning",
      text: expect.stringContaining("plugin/hosts: cannot read"),
    });
    expect(ask("a.example.org.")).toMatchObject({ answer: ["a.example.org. 3600 A 10.0.0.2"] });
    write(path, "10.0.0.4 a.example.org\n", 3000);
    vi.advanceTimersByTime(1000);
    await vi.waitFor(() => expect(ask("a.example.org.")).toMatchObject({ answer: ["a.example.org. 3600 A 10.0.0.4"] }));
    expect(context.lines).toHaveLength(1);
  });

  test("is watched no more once the handler is closed, or with reload 0", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const { handler } = await hostsOf("");
    expect(vi.getTimerCount()).toBe(1);
    handler.close?.();
    expect(vi.getTimerCount()).toBe(0);
    await hostsOf("reload 0s");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("may give one address to any number of names: 256 of them are its reverse names", async () => {
    const path = join(folder, "blocked");
    writeFileSync(path, Array.from({ length: 20_000 }, (_, place) => `0.0.0.0 n${place}.example.org\n`).join(""));
    const { ask, serve, context } = await hostsOf("", path);
    expect(ask("n19999.example.org.")).toMatchObject({ answer: ["n19999.example.org. 3600 A 0.0.0.0"] });
    expect(context.counts.get("coredns_hosts_entries")).toBe(20_256);
    const answer = atOnce(serve(exchangeOf({ name: "0.0.0.0.in-addr.arpa.", type: "PTR" })));
    expect(answer.form === "message" ? answer.records.length : 0).toBe(256);
  }, 5000);

  test("may hold names that are too long for a wildcard", async () => {
    const path = join(folder, "long");
    const name = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(59)}`;
    writeFileSync(path, `10.0.0.1 *.${name}x ok.example.org\n`);
    expect((await hostsOf("", path)).ask("ok.example.org.")).toMatchObject({ rcode: "NOERROR" });
  });
});
