import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createAclHandlers } from "../../../../src/dns/directives/acl/handler.ts";
import type { AclRule, AclSettings } from "../../../../src/dns/directives/acl/setup.ts";
import { type Answer, refusal } from "../../../../src/dns/pipeline/answer.ts";
import { clientOf } from "../../../../src/dns/server/client.ts";
import { FLAG, RCODE, TYPE, typeCode } from "../../../../src/dns/wire/codes.ts";
import { atOnce } from "../../support/answers.ts";
import type { TestQuery } from "../../support/dns-client.ts";
import { contextOf, delivered, exchangeOf } from "../../support/exchange.ts";
import { extendedErrors } from "../../support/reply-text.ts";

const NEXT = refusal("next", RCODE.NXDOMAIN);

type RuleText = Partial<Omit<AclRule, "action">>;
const rule = (action: AclRule["action"], { types, networks }: RuleText = {}): AclRule => ({ action, types, networks });
const line = (zones: readonly string[], ...rules: readonly AclRule[]): AclSettings => ({ zones, rules });

const asking = (query: TestQuery, address = "10.0.0.1") =>
  exchangeOf(query, { client: clientOf(address, 4242, "udp", "127.0.0.1") });

function aclOf(...lines: readonly AclSettings[]) {
  const context = contextOf();
  const serve = createAclHandlers(lines, context).wrap(() => NEXT);
  return {
    counts: context.counts,
    ask: (query: TestQuery, address?: string): Answer => atOnce(serve(asking(query, address))),
  };
}

const A = { name: "www.example.org", edns: {} };

describe("acl answers", () => {
  const replyOf = (query: TestQuery, action: AclRule["action"]) => {
    const exchange = asking(query);
    return delivered(exchange, aclOf(line(["."], rule(action))).ask(query));
  };

  test.each([
    ["block", "REFUSED", 15],
    ["filter", "NOERROR", 17],
  ] as const)("%s is an empty %s with the extended error %i, not authoritative", (action, rcode, code) => {
    const reply = replyOf(A, action);
    expect(reply).toMatchObject({ rcode, answer: [], authority: [], flags: ["qr", "rd", "ra"] });
    expect(extendedErrors(reply as NonNullable<typeof reply>)).toEqual([code]);
    expect(replyOf({ name: "www.example.org" }, action)).toMatchObject({ rcode, edns: null });
  });

  test("drop sends nothing", () => {
    expect(replyOf(A, "drop")).toBeUndefined();
  });
});

describe("acl rules", () => {
  test("without a rule that matches the question is passed on", () => {
    expect(aclOf(line(["."])).ask(A)).toBe(NEXT);
    expect(aclOf(line(["."], rule("block", { networks: ["10.1.0.0/16"] }))).ask(A)).toBe(NEXT);
  });

  test("the first rule that matches counts", () => {
    const acl = aclOf(line(["."], rule("allow", { networks: ["10.0.0.0/8", "fd00::/8"] }), rule("block")));
    expect(acl.ask(A, "10.9.9.9")).toBe(NEXT);
    expect(acl.ask(A, "fd00::1")).toBe(NEXT);
    expect(acl.ask(A, "192.0.2.1")).toMatchObject({ rcode: RCODE.REFUSED });
    expect(acl.ask(A, "2001:db8::1")).toMatchObject({ rcode: RCODE.REFUSED });
  });

  test("a rule with types is about these only", () => {
    const acl = aclOf(line(["."], rule("filter", { types: [TYPE.AAAA] }), rule("block", { types: [TYPE.TXT] })));
    expect(acl.ask(A)).toBe(NEXT);
    expect(acl.ask({ ...A, type: "AAAA" })).toMatchObject({ rcode: RCODE.NOERROR, header: { clear: FLAG.AA } });
    expect(acl.ask({ ...A, type: "TXT" })).toMatchObject({ rcode: RCODE.REFUSED });
  });

  test("a line is about names in its zones only, at label boundaries", () => {
    const acl = aclOf(line(["example.org.", "test."], rule("block")));
    expect(acl.ask({ name: "EXAMPLE.org" })).toMatchObject({ rcode: RCODE.REFUSED });
    expect(acl.ask({ name: "a.b.test" })).toMatchObject({ rcode: RCODE.REFUSED });
    expect(acl.ask({ name: "badexample.org" })).toBe(NEXT);
    expect(acl.ask({ name: "org" })).toBe(NEXT);
  });

  test("what a rewriting directive has made of the name is what is judged", () => {
    const serve = createAclHandlers([line(["example.org."], rule("block"))], contextOf()).wrap(() => NEXT);
    const exchange = asking({ name: "harmless.test" });
    const key = "\x03www\x07example\x03org";
    expect(serve({ ...exchange, asked: { ...exchange.asked, key, raw: key } })).toMatchObject({ rcode: RCODE.REFUSED });
  });

  test("an allowing rule ends the search in later lines too, any other line goes on", () => {
    const acl = aclOf(
      line(["good.test."], rule("allow")),
      line(["."], rule("filter", { types: [TYPE.TXT] })),
      line(["."], rule("block")),
    );
    expect(acl.ask({ name: "x.good.test", type: "TXT" })).toBe(NEXT);
    expect(acl.ask({ name: "x.test", type: "TXT" })).toMatchObject({ rcode: RCODE.NOERROR });
    expect(acl.ask({ name: "x.test" })).toMatchObject({ rcode: RCODE.REFUSED });
  });

  test("IPv4 and IPv6 clients are in networks of their own family, a mapped network is one of IPv4", () => {
    const six = aclOf(line(["."], rule("block", { networks: ["::/0"] })));
    expect(six.ask(A, "10.0.0.1")).toBe(NEXT);
    expect(six.ask(A, "::1")).not.toBe(NEXT);
    const four = aclOf(line(["."], rule("block", { networks: ["0.0.0.0/0"] })));
    expect(four.ask(A, "::1")).toBe(NEXT);
    expect(four.ask(A, "10.0.0.1")).not.toBe(NEXT);
    const mapped = aclOf(line(["."], rule("block", { networks: ["::ffff:10.0.0.0/104"] })));
    expect(mapped.ask(A, "10.9.0.1")).not.toBe(NEXT);
    expect(mapped.ask(A, "11.0.0.1")).toBe(NEXT);
  });

  test("a question without a client's address matches no network", () => {
    const acl = aclOf(line(["."], rule("block", { networks: ["0.0.0.0/0", "::/0"] })));
    expect(acl.ask(A, "")).toBe(NEXT);
  });

  test("more clients than are remembered get the same verdicts", () => {
    const acl = aclOf(line(["."], rule("allow", { networks: ["10.0.0.0/17"] }), rule("block")));
    for (let round = 0; round < 2; round++) {
      for (let client = 0; client < 10_500; client++) {
        const address = `10.0.${client >> 7}.${client & 127}`;
        const verdict = acl.ask(A, address);
        if ((verdict === NEXT) !== client >> 7 < 128) throw new Error(`${address} got another verdict`);
      }
    }
    expect(acl.ask(A, "10.0.128.0")).not.toBe(NEXT);
  });
});

describe("acl counters", () => {
  test("each denial counts with the longest zone of its line, each pass without a zone", () => {
    const acl = aclOf(
      line(["org.", "example.org."], rule("block", { types: [TYPE.TXT] })),
      line(["filtered.test."], rule("filter")),
      line(["dropped.test."], rule("drop")),
    );
    const asked: readonly TestQuery[] = [
      { name: "www.example.org", type: "TXT" },
      { name: "www.other.org", type: "TXT" },
      { name: "filtered.test" },
      { name: "x.dropped.test" },
      { name: "www.example.org" },
      { name: "elsewhere.test" },
    ];
    for (const query of asked) acl.ask(query);
    expect(Object.fromEntries(acl.counts)).toEqual({
      'coredns_acl_blocked_requests_total{server="dns://:53",view="",zone="example.org."}': 1,
      'coredns_acl_blocked_requests_total{server="dns://:53",view="",zone="org."}': 1,
      'coredns_acl_filtered_requests_total{server="dns://:53",view="",zone="filtered.test."}': 1,
      'coredns_acl_dropped_requests_total{server="dns://:53",view="",zone="dropped.test."}': 1,
      'coredns_acl_allowed_requests_total{server="dns://:53",view=""}': 2,
    });
  });
});

describe("acl verdicts", () => {
  const v4 = fc.tuple(fc.constantFrom(10, 192), fc.nat(1), fc.nat(1), fc.nat(3)).map((octets) => octets.join("."));
  const v6 = fc.tuple(fc.constantFrom("fd00", "2001"), fc.nat(3)).map(([head, tail]) => `${head}::${tail + 1}`);
  const network = fc.oneof(
    fc.tuple(v4, fc.nat(32)).map(([base, bits]) => `${base}/${bits}`),
    fc.tuple(v6, fc.nat(128)).map(([base, bits]) => `${base}/${bits}`),
  );
  const some = <T>(one: fc.Arbitrary<T>) =>
    fc.option(fc.array(one, { minLength: 1, maxLength: 3 }), { nil: undefined });
  const rules = fc.array(
    fc.record({
      action: fc.constantFrom("allow", "block", "filter", "drop"),
      types: some(fc.constantFrom(TYPE.A, TYPE.AAAA, TYPE.TXT)),
      networks: some(network),
    }),
    { maxLength: 4 },
  );
  const ZONES = [".", "org.", "example.org.", "test."];
  const settings = fc.array(
    fc.record({ zones: fc.uniqueArray(fc.constantFrom(...ZONES), { minLength: 1, maxLength: 3 }), rules }),
    { maxLength: 4 },
  );
  const question = fc.record({
    name: fc.constantFrom("www.example.org", "example.org", "badexample.org", "a.test", "com"),
    type: fc.constantFrom("A", "AAAA", "TXT"),
    address: fc.oneof(v4, v6),
  });

  /** All bits of an address; IPv4 and IPv6 never meet. */
  function bitsOf(address: string): string {
    const hex = (text: string, width: number): string =>
      Number.parseInt(text || "0", 16)
        .toString(2)
        .padStart(width, "0");
    if (!address.includes(":"))
      return address
        .split(".")
        .map((octet) => Number(octet).toString(2).padStart(8, "0"))
        .join("");
    const [head = "", tail = ""] = address.split("::");
    return hex(head, 16) + hex(tail, 16).padStart(112, "0");
  }

  const contains = (cidr: string, address: string): boolean => {
    const [base = "", bits] = cidr.split("/");
    if (base.includes(":") !== address.includes(":")) return false;
    return bitsOf(base).slice(0, Number(bits)) === bitsOf(address).slice(0, Number(bits));
  };

  type Question = { readonly name: string; readonly type: string; readonly address: string };

  /** As the manual page has it, without anything clever. */
  function expected(lines: readonly AclSettings[], { name, type, address }: Question): AclRule["action"] {
    for (const { zones, rules: ownRules } of lines) {
      if (!zones.some((zone) => zone === "." || `.${name}.`.endsWith(`.${zone}`))) continue;
      const first = ownRules.find(
        ({ types, networks }) =>
          (types === undefined || types.includes(typeCode(type) ?? 0)) &&
          (networks === undefined || networks.some((one) => contains(one, address))),
      );
      if (first !== undefined) return first.action;
    }
    return "allow";
  }

  const actionOf = (answer: Answer): AclRule["action"] => {
    if (answer === NEXT) return "allow";
    if (answer.form === "dropped") return "drop";
    return answer.rcode === RCODE.REFUSED ? "block" : "filter";
  };

  test("they are those of a plain reading of the rules, however often a client asks", () => {
    fc.assert(
      fc.property(settings, fc.array(question, { minLength: 1, maxLength: 8 }), (lines, questions) => {
        const acl = aclOf(...lines);
        for (const one of [...questions, ...questions]) {
          const { address, ...query } = one;
          expect(actionOf(acl.ask(query, address))).toBe(expected(lines, one));
        }
      }),
      { numRuns: 500 },
    );
  });
});
