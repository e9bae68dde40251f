import { describe, expect, test } from "vitest";
import type { Report, Rule } from "../../src/lint/rule.ts";
import { rule as counters } from "../../src/lint/rules/rlp-source-address-counter.ts";
import type { ObjectEdit } from "../../src/model/edit.ts";
import type { Kinds } from "../../src/model/kinds.ts";
import type { Topology } from "../../src/model/topology.ts";
import { judgeTexts, mendText, mendTexts } from "../support/mend-text.ts";

type Service = Kinds["Service"];

/** A rule about Services that says what a test wants. */
const ruleOf = (id: string, check: (service: Service, topology: Topology) => readonly Report[]): Rule =>
  ({
    ...counters,
    id,
    kinds: ["Service"],
    reads: [],
    severity: "error",
    scope: "object",
    bad: [],
    good: [],
    check,
  }) as unknown as Rule;

const service = (name: string, labels: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: n, labels: {${labels}}}\n`;
const label = (name: string) => ["metadata", "labels", name] as const;
const report = (edits: readonly ObjectEdit[], message = "m"): Report => ({
  path: ["metadata", "labels"],
  message,
  mend: { title: "mend", edits },
});
const has = ({ metadata }: Service, name: string): boolean => metadata.labels?.[name] !== undefined;

/** Finds the label `bad`, and takes it away. */
const noBad = ruleOf("no-bad", (object) =>
  has(object, "bad") ? [report([{ op: "remove", path: label("bad") }])] : [],
);
const reasons = ({ notMended }: Awaited<ReturnType<typeof mendText>>): readonly string[] =>
  notMended.map(({ located, reason }) => `${located.finding.rule}: ${reason}`);

describe("mending in rounds", () => {
  test("makes many mends at once, in every file", async () => {
    const texts = new Map([
      ["a.yaml", `${service("a", "bad: x, k: v")}---\n${service("b", "bad: x")}`],
      ["b.yaml", service("c", "k: v, bad: x")],
    ]);
    const outcome = await mendTexts(texts, [noBad]);
    expect([...outcome.texts.values()]).toEqual([
      `${service("a", "k: v")}---\n${service("b", "")}`,
      service("c", "k: v"),
    ]);
    expect([outcome.fixed, outcome.notMended]).toEqual([3, []]);
  });

  test("leaves mends that are in each other's way for the next round", async () => {
    const first = ruleOf("first", (object) =>
      has(object, "x") ? [] : [report([{ op: "set", path: ["metadata", "labels"], value: { x: "1" } }])],
    );
    const second = ruleOf("second", (object) =>
      has(object, "w") ? [] : [report([{ op: "set", path: label("w"), value: "2" }])],
    );
    const outcome = await mendText(service("a", "k: v"), [first, second]);
    expect(outcome.text).toBe(service("a", 'x: "1", w: "2"'));
    expect(outcome.fixed).toBe(2);
  });

  test("mends what a mend brings to light", async () => {
    const next = ruleOf("next", (object) =>
      has(object, "bad") || has(object, "good")
        ? []
        : [{ ...report([{ op: "set", path: label("good"), value: "v" }]), severity: "warning" }],
    );
    const outcome = await mendText(service("a", "bad: x"), [noBad, next]);
    expect(outcome.text).toBe(service("a", "good: v"));
    expect(outcome.fixed).toBe(2);
  });

  test("does not make a mend that leaves its finding, nor does it stop the others", async () => {
    const stays = ruleOf("stays", (object) =>
      has(object, "k") ? [report([{ op: "set", path: label("z"), value: "v" }])] : [],
    );
    const outcome = await mendText(`${service("a", "k: v")}---\n${service("b", "bad: x, c: d")}`, [stays, noBad]);
    expect(outcome.text).toBe(`${service("a", "k: v")}---\n${service("b", "c: d")}`);
    expect(reasons(outcome)).toEqual(["stays: it would not go away"]);
    expect(outcome.fixed).toBe(1);
  });

  test("does not make a mend that brings an error", async () => {
    const needs = ruleOf("needs-bad", (object) =>
      has(object, "bad") || !has(object, "k") ? [] : [{ path: ["metadata"], message: "m" }],
    );
    const text = `${service("a", "k: v, bad: x")}---\n${service("b", "bad: x, c: d")}`;
    const outcome = await mendText(text, [noBad, needs]);
    expect(outcome.text).toBe(`${service("a", "k: v, bad: x")}---\n${service("b", "c: d")}`);
    expect(reasons(outcome)).toEqual(["no-bad: it would bring an error: needs-bad for Service n/a"]);
  });

  test("does not make a mend that an API server would refuse", async () => {
    const breaks = ruleOf("breaks", (object) =>
      has(object, "bad") ? [report([{ op: "set", path: ["metadata", "labels"], value: 5 }])] : [],
    );
    const outcome = await mendText(service("a", "bad: x"), [breaks]);
    expect(outcome.text).toBe(service("a", "bad: x"));
    expect(reasons(outcome)).toEqual(["breaks: an API server would refuse the object then"]);
  });

  test("finds the one mend of many that cannot be made", async () => {
    const once = ruleOf("once", (object) => {
      if (!has(object, "bad")) return [];
      return [
        report([
          object.metadata.name === "s7"
            ? { op: "set", path: label("z"), value: "v" }
            : { op: "remove", path: label("bad") },
        ]),
      ];
    });
    const text = Array.from({ length: 20 }, (_, index) => service(`s${index}`, "k: v, bad: x")).join("---\n");
    const outcome = await mendText(text, [once]);
    expect(outcome.text.split("bad: x").length).toBe(2);
    expect([outcome.fixed, reasons(outcome)]).toEqual([19, ["once: it would not go away"]]);
  });

  test("ends when mends call for each other again and again", async () => {
    const flip = ruleOf("flip", (object) =>
      has(object, "x") ? [{ ...report([{ op: "remove", path: label("x") }]), severity: "warning" }] : [],
    );
    const flop = ruleOf("flop", (object) =>
      has(object, "x") ? [] : [{ ...report([{ op: "set", path: label("x"), value: "v" }]), severity: "warning" }],
    );
    const outcome = await mendText(service("a", "x: v"), [flip, flop]);
    expect(reasons(outcome)).toEqual(["flip: it comes again after 10 rounds of mending"]);
  });

  test("changes two objects of two files together, or neither", async () => {
    const other = { apiVersion: "v1", kind: "Service", namespace: "n", name: "b" };
    const both = ruleOf("both", (object) =>
      has(object, "bad")
        ? [
            report([
              { op: "remove", path: label("bad") },
              { op: "set", path: label("from"), value: "a", object: other },
            ]),
          ]
        : [],
    );
    const texts = new Map([
      ["a.yaml", service("a", "bad: x, k: v")],
      ["b.yaml", service("b", "k: v")],
    ]);
    const outcome = await mendTexts(texts, [both]);
    expect([...outcome.texts.values()]).toEqual([service("a", "k: v"), service("b", "k: v, from: a")]);
    const alone = await mendText(service("a", "bad: x, k: v"), [both]);
    expect(alone.text).toBe(service("a", "bad: x, k: v"));
    expect(reasons(alone)).toEqual(["both: Service n/b is not in the files"]);
  });

  test("does not mend what may only seem to be missing when a part of the input cannot be read", async () => {
    const missing = ruleOf("missing", (object) =>
      has(object, "bad") ? [{ ...report([{ op: "remove", path: label("bad") }]), scope: "absence" }] : [],
    );
    const texts = new Map([
      ["a.yaml", service("a", "bad: x, k: v")],
      ["b.yaml", "kind: [\n"],
    ]);
    const outcome = await mendTexts(texts, [missing]);
    expect(outcome.texts.size).toBe(0);
    expect(reasons({ ...outcome, text: "" })).toEqual([
      "missing: what it misses may be in the input that cannot be read",
    ]);
    expect((await mendTexts(texts, [noBad])).fixed).toBe(1);
  });

  test("mends the later of two documents of one object, which is the one that counts", async () => {
    const text = `${service("a", "bad: x, k: v")}---\n${service("a", "bad: x, l: v")}`;
    expect(judgeTexts(new Map([["f.yaml", text]]), [noBad]).all).toHaveLength(1);
    expect((await mendText(text, [noBad])).text).toBe(`${service("a", "bad: x, k: v")}---\n${service("a", "l: v")}`);
  });
});
