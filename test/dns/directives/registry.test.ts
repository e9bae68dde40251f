import { describe, expect, test } from "vitest";
import { EXECUTION_ORDER } from "../../../src/dns/directives/registry.ts";
import { REJECTED } from "../../../src/dns/directives/rejected.ts";
import { load, problemsOf } from "./load.ts";

/** Section 3.3 of the resolver's specification. */
const ORDER =
  "root cancel timeouts multisocket reload nsid bufsize bind debug ready health prometheus errors log local any chaos " +
  "loadbalance rewrite acl sluice cache header minimal template hosts kuadrant loop forward whoami";

/** Section 3.2, "rejected by name", and what only a lenient check passes over. */
const REFUSED =
  "kubernetes etcd k8s_external nomad route53 azure clouddns file auto secondary sign dnssec transfer tsig autopath dnstap " +
  "trace pprof grpc quic https https3 grpc_server tls proxyproto geoip view dns64 erratic on metadata shed";

test("directives act in the order of the specification", () => {
  expect(EXECUTION_ORDER.join(" ")).toBe(ORDER);
});

test("the order of the file does not matter, that of several of one name does", () => {
  const { servers } = load(". {\nforward b.test 10.0.0.2\nerrors\nforward . 10.0.0.1\nbind ::1\nacl {\nblock\n}\n}");
  expect(servers?.[0]?.directives.map(({ name, line }) => `${name}:${line.name.place.line}`)).toEqual([
    "bind:5",
    "errors:3",
    "acl:6",
    "forward:2",
    "forward:4",
  ]);
});

test("what is rejected by name is what the specification lists, and nothing is both", () => {
  expect(Object.keys(REJECTED).sort()).toEqual(REFUSED.split(" ").sort());
  expect(EXECUTION_ORDER.filter((name) => Object.hasOwn(REJECTED, name))).toEqual([]);
});

describe.each(Object.keys(REJECTED))("%s", (name) => {
  test("is an error that says what to do", () => {
    expect(problemsOf(`whoami\n${name} x y {\n  z\n}`)).toBe(
      `etc/Corefile:3 - directive '${name}' is not supported: ${REJECTED[name]}`,
    );
  });

  test("is a warning with --compat warn, and where kuadrant is used", () => {
    const warning = `etc/Corefile:3 - Warning: directive '${name}' is not supported: ${REJECTED[name]}`;
    const lenient = load(`. {\nwhoami\n${name}\n}`, { compatibility: "warn" });
    expect([lenient.problems, lenient.servers?.length]).toEqual([[warning], 1]);
    const kuadrant = load(`. {\nwhoami\n${name}\n}\nk.test {\nkuadrant\n}`);
    expect([kuadrant.problems, kuadrant.servers?.length]).toEqual([[warning], 2]);
  });
});

test.each([
  ["forwrd . 10.0.0.1", "Unknown directive 'forwrd', did you mean 'forward'?"],
  ["kubernets", "Unknown directive 'kubernets', did you mean 'kubernetes'?"],
  ["__proto__", "Unknown directive '__proto__'"],
  ["hasOwnProperty", "Unknown directive 'hasOwnProperty'"],
])("%s is unknown, also with --compat warn", (line, expected) => {
  expect(problemsOf(line)).toBe(`etc/Corefile:2 - Error during parsing: ${expected}`);
  expect(problemsOf(line, { compatibility: "warn" })).toContain(expected);
});

describe("a second one in a block", () => {
  const once = ["sluice", "cache", "errors", "health", "ready", "prometheus", "hosts", "loop", "whoami", "reload"];
  test.each(once)("of %s is an error", (name) => {
    expect(problemsOf(`${name}\n${name}`)).toContain(
      `etc/Corefile:3 - Error during parsing: ${name}: this plugin can only be used once per Server Block`,
    );
  });

  test.each(["forward . 10.0.0.1", "log", "acl {\nallow\n}", "rewrite name a.test b.test", "template IN A"])(
    "of %s is none",
    (line) => {
      expect(problemsOf(`${line}\n${line}`)).toBe("");
    },
  );
});

test("every mistake of a file is told, in its order", () => {
  const { problems } = load(". {\ncache 0\nbogus\nloop x\n}\n. {\nbufsize 1\n}");
  expect(problems.map((line) => line.slice(0, 15))).toEqual([
    "etc/Corefile:2 ",
    "etc/Corefile:3 ",
    "etc/Corefile:4 ",
    "etc/Corefile:6 ",
    "etc/Corefile:7 ",
  ]);
});
