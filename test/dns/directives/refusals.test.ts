import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EXECUTION_ORDER } from "../../../src/dns/directives/registry.ts";
import { load, problemsOf } from "./load.ts";

const block = (name: string, option: string): string => `${name} {\n${option}\n}`;

/** Lines of a block, the line of the file that is at fault, and what is said of it. */
const REFUSALS: readonly (readonly [string, number, string])[] = [
  ["root", 2, "Wrong argument count or unexpected line ending after 'root', write 'root PATH'"],
  ["cancel 0s", 2, "cancel timeout must be at least 1ms"],
  ["cancel 1s 2s", 2, "after '2s', write 'cancel [TIMEOUT]'"],
  ["timeouts", 2, "no timeouts specified"],
  [block("timeouts", "read 500ms"), 3, "timeout read must be at least 1s: 500ms"],
  [block("timeouts", "idle 25h"), 3, "timeout idle must be at most 86400s"],
  [block("timeouts", "maxtcpqueries -2"), 3, "maxtcpqueries must be from -1"],
  [block("timeouts", "reads 1s"), 3, "unknown option: 'reads', did you mean 'read'?"],
  ["multisocket 0", 2, "num sockets must be from 1 to 1024: 0"],
  ["multisocket two", 2, "num sockets is not a whole number: 'two'"],
  ["reload 10s 500ms", 2, "jitter value must be greater or equal to 1s, or 0"],
  ["reload soon", 2, 'interval: time: invalid duration "soon"'],
  [`nsid ${"x".repeat(257)}`, 2, "at most 256 octets"],
  ["bufsize 4097", 2, "from 512 to 4096"],
  ["bind 10.0.0.999", 2, "not a valid IP address or interface name: '10.0.0.999'"],
  [block("bind lo", "except"), 3, "write 'except ADDRESS...'"],
  ["debug x", 2, "write 'debug'"],
  ["ready 8181", 2, "address 8181: missing port in address"],
  ["ready :0", 2, "port must be from 1 to 65535"],
  ["health ::1:8080", 2, "must be HOST:PORT or :PORT"],
  [block("health", "lameduck"), 3, "write 'lameduck DURATION'"],
  [block("errors", "consolidate 5s (a"), 3, "missing closing )"],
  [block("errors", `consolidate 5s ${"a".repeat(10_001)}`), 3, "longer than 10000 characters"],
  [block("errors", "consolidate 5s a loud"), 3, "invalid log level 'loud', write error, warning, info or debug"],
  [block("errors", "consolidate 5s"), 3, "Wrong argument count"],
  [block("log", "class most"), 3, "invalid class 'most', write success, denial, error or all"],
  ["local x", 2, "write 'local'"],
  [block("any", "x"), 2, "'any' takes no block"],
  [`chaos ${"x".repeat(256)}`, 2, "at most 255 octets"],
  ["loadbalance weighted f", 2, "policy 'weighted' is not supported: give the gateway several addresses"],
  [block("loadbalance", "prefer 10.0.0.0/8"), 3, "option 'prefer' is not supported"],
  ["rewrite", 2, "no rule behind rewrite"],
  ["rewrite edns0 local set 0xffee 1", 2, "rewrite edns0 is not supported"],
  ["rewrite cname exact a b", 2, "rewrite cname is not supported"],
  ["rewrite names a b", 2, 'invalid rule type "names"'],
  ["rewrite name fuzzy a b", 2, "'fuzzy' is no way to match"],
  ["rewrite name regex (a b", 2, "missing closing )"],
  ["rewrite name regex (?=a)b c", 2, "look-around (?=a is not supported"],
  [String.raw`rewrite name regex (a)\1 c`, 2, String.raw`back-reference \1 is not supported`],
  ["rewrite name regex (.*)a {2}b", 2, "'{2}' names a group that the regular expression does not have, it has 1"],
  ["rewrite name exact a b answer", 2, "write 'answer auto'"],
  ["rewrite name exact a b answer value x", 2, "write auto, name FROM TO or value FROM TO"],
  ["rewrite name exact a b answer auto answer name x y", 2, "answer auto cannot be combined with answer name"],
  ["rewrite type A BOGUS", 2, "invalid RR type BOGUS"],
  ["rewrite class IN XX", 2, "invalid RR class XX"],
  ["rewrite ttl exact a.test 9-3", 2, 'invalid TTL "9-3"'],
  ["rewrite rcode exact a.test NOERROR", 2, "a.test is not a valid rcode"],
  [block("acl", "block type BOGUS"), 3, "invalid RR type BOGUS"],
  [block("acl", "block 10.0.0.0/8"), 3, "expect 'type | net'"],
  [block("acl", "block net"), 3, "no value behind 'net'"],
  ["acl *.a.test {\nblock\n}", 2, "has a wildcard"],
  [block("sluice", "ttl 301"), 3, "ttl must be from 0 to 300: 301"],
  [block("sluice", "ttl -1"), 3, "ttl can't be negative: -1"],
  [block("sluice", "passthrough BOGUS"), 3, "invalid RR type BOGUS"],
  [block("sluice", "passthrough MX HTTPS"), 3, "HTTPS cannot be passed through"],
  [block("sluice", "except *.a.test"), 3, "wildcard in except: '*.a.test'"],
  [block("sluice", "cname_guard loose"), 3, "invalid cname_guard 'loose', write exact, strict or off"],
  [block("sluice", "gateways a=b=c"), 3, "invalid label selector 'a=b=c'"],
  [block("sluice", "tll 5"), 3, "unknown property 'tll', did you mean 'ttl'?"],
  ["cache 0", 2, "cache TTL can not be zero or negative: 0"],
  ["cache -5", 2, "cache TTL can not be zero or negative: -5"],
  [block("cache", "success"), 3, "write 'success CAPACITY [TTL] [MINTTL]'"],
  [block("cache", "denial 10 0"), 3, "zero or negative: 0"],
  [block("cache", "prefetch 10 1m 9%"), 3, "percentage should fall in range [10, 90]: 9"],
  [block("cache", "prefetch 10 1m 50"), 3, "should be '%'"],
  [block("cache", "servfail 6m"), 3, "servfail must be at most 300s: 6m"],
  [block("cache", "disable both"), 3, "invalid cache type 'both', write success or denial"],
  [block("cache", "serve_stale -1h"), 3, "can't be negative"],
  ["header", 2, "header needs a block"],
  [block("header", "set tc"), 3, "invalid header flag 'tc', write aa, ra or rd"],
  [block("header", "flip aa"), 3, "invalid header action 'flip'"],
  ["minimal x", 2, "write 'minimal'"],
  ["template IN", 2, "write 'template CLASS TYPE [ZONE...]'"],
  ["template XX A", 2, "invalid RR class XX"],
  [block("template IN A", "answer {{.Remote}}"), 3, "'{{ .Remote }}' is not supported"],
  [block("template IN A", 'answer "{{ .Name"'), 3, "unclosed {{"],
  [block("template IN A", 'answer "{{ .Group.a }} 60 IN A 10.0.0.1"'), 2, "uses .Group.a, which no match has"],
  [block("template IN A", "upstream"), 3, "upstream is not supported"],
  [block("template IN A", "expr true"), 3, "unknown property 'expr'"],
  [block("template IN A", "rcode BOGUS"), 3, "BOGUS is not a valid rcode"],
  [block("template IN A", "ederror 70000"), 3, "from 0 to 65535"],
  [block("hosts", "10.0.0.1"), 3, "no host name behind '10.0.0.1'"],
  [block("hosts", "10.0.0.1 a..b"), 3, "'a..b' is no host name"],
  [block("hosts", "10.0.0 a.test"), 3, "unknown property '10.0.0'"],
  [block("hosts", "ttl 0"), 3, "ttl provided is invalid"],
  [block("hosts", "reload ever"), 3, "invalid duration for reload"],
  [block("kuadrant", "rname a@b@c"), 3, "invalid rname 'a@b@c'"],
  [block("kuadrant", "kubeconfig"), 3, "write 'kubeconfig PATH [CONTEXT]'"],
  ["loop 1", 2, "write 'loop'"],
  ["forward", 2, "write 'forward FROM TO...'"],
  ["forward . https://dns.example", 2, "'https://' is not supported"],
  ["forward . gopher://10.0.0.1", 2, "unknown scheme 'gopher://'"],
  ["forward . 10.0.0.1:70000", 2, 'not an IP address or file: "10.0.0.1:70000"'],
  ["forward . 10.0.0.300", 2, "not an IP address or file"],
  ["forward . /etc/none", 2, 'not an IP address or file: "/etc/none"'],
  [block("forward . 10.0.0.1", "policy fastest"), 3, "invalid policy 'fastest'"],
  [block("forward . 10.0.0.1", "health_check 1s often"), 3, "health_check: unknown option often"],
  [block("forward . 10.0.0.1", "source_address eth0"), 3, "not an IP address: 'eth0'"],
  [block("forward . 10.0.0.1", "except"), 3, "write 'except NAME...'"],
  [block("forward . 10.0.0.1", "forced_tcp"), 3, "did you mean 'force_tcp'?"],
  [block("forward . 10.0.0.1", "expire -1s"), 3, "expire can't be negative: -1s"],
  ["prometheus a b", 2, "write 'prometheus [ADDRESS]'"],
  ["prometheus {\nlegacy_metrics maybe\n}", 3, "invalid legacy_metrics 'maybe', write on or off"],
  ["whoami x", 2, "write 'whoami'"],
];

describe("a line that is wrong says where and why:", () => {
  test.each(REFUSALS)("%s", (lines, line, expected) => {
    const [name = ""] = lines.split(/\s/);
    const problems = problemsOf(lines);
    expect(problems).toContain(expected);
    expect(problems.startsWith(`etc/Corefile:${line} - Error during parsing: ${name}: `)).toBe(true);
  });
});

test("every directive is refused something", () => {
  const refused = new Set(REFUSALS.map(([lines]) => lines.split(/\s/)[0]));
  expect(EXECUTION_ORDER.filter((name) => !refused.has(name))).toEqual([]);
});

describe("a line that does something else than it says is a warning:", () => {
  test.each([
    ["prometheus {\nruntime_metrics\n}", 3, "runtime_metrics has no effect"],
    ["reload 10s 9s", 2, "jitter is cut to half"],
    ["log . {remot}", 2, "{remot} is no placeholder"],
    [block("forward . 10.0.0.1", "doh_method GET"), 3, "doh_method has no effect"],
  ])("%s", (lines, line, expected) => {
    expect(problemsOf(lines)).toMatch(new RegExp(`^etc/Corefile:${line} - Warning: \\w+: .*`));
    expect(problemsOf(lines)).toContain(expected);
    expect(load(`. {\n${lines}\n}`).servers).toBeDefined();
  });
});

const words = fc.constantFrom(
  ...[
    "type",
    "net",
    "*",
    "-1",
    "0",
    "5s",
    "IN",
    "A",
    "answer",
    "auto",
    "name",
    "regex",
    "(",
    "[a-",
    "\\",
    "{1}",
    "{{",
    "}}",
  ],
  ...[
    "10.0.0.1",
    "::1",
    ":53",
    "tls://x",
    "a.test",
    "success",
    "ttl",
    "fallthrough",
    "match",
    "set",
    "{combined}",
    "100%",
  ],
);

test("any words behind any directive are read without a throw", () => {
  const lineOf = fc.tuple(
    fc.constantFrom(...EXECUTION_ORDER),
    fc.array(words, { maxLength: 6 }),
    fc.array(fc.array(words, { minLength: 1, maxLength: 5 }), { maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(lineOf, { maxLength: 4 }), (lines) => {
      const text = lines.map(([name, args, options]) => {
        const body = options.map((option) => `${option.join(" ")}\n`).join("");
        return options.length === 0 ? `${name} ${args.join(" ")}` : `${name} ${args.join(" ")} {\n${body}}`;
      });
      const { diagnostics, servers } = load(`. {\n${text.join("\n")}\n}`);
      expect(servers === undefined).toBe(diagnostics.some(({ severity }) => severity === "error"));
    }),
    { numRuns: 1000 },
  );
});
