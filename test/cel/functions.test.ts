import { expect, test } from "vitest";
import { type CelEngine, FUNCTIONS, hasFunction, nearestFunction } from "../../src/cel/functions.ts";
import { parsed } from "./parsed.ts";

const COMMON = {
  global: "bytes double duration has int string timestamp uint",
  receiver:
    "all charAt contains endsWith exists exists_one filter getDate getDayOfMonth getDayOfWeek getDayOfYear getFullYear " +
    "getHours getMilliseconds getMinutes getMonth getSeconds indexOf join lastIndexOf lowerAscii map replace split " +
    "startsWith substring trim upperAscii",
  both: "matches size",
};

const CEL_GO = { global: "bool dyn strings.quote type", receiver: "format reverse" };
const OPTIONAL = { global: "optional.none optional.of optional.ofNonZeroValue", receiver: "hasValue or orValue value" };

/** The functions of an engine by how they are called, besides those that all engines have. */
const OWN: Readonly<Record<CelEngine, Readonly<Record<"global" | "receiver", string>>>> = {
  wasm: {
    global: `${OPTIONAL.global} requestBodyJSON responseBodyJSON`,
    receiver: `${OPTIONAL.receiver} existsOne`,
  },
  operator: { global: `${CEL_GO.global} requestBodyJSON responseBodyJSON`, receiver: CEL_GO.receiver },
  authorino: {
    global: `${CEL_GO.global} ${OPTIONAL.global} optional.unwrap`,
    receiver: `${CEL_GO.receiver} ${OPTIONAL.receiver} first last optFlatMap optMap unwrapOpt`,
  },
};

test.each<CelEngine>(["wasm", "operator", "authorino"])("the functions of %s", (engine) => {
  const called = (style: string): readonly string[] =>
    [...FUNCTIONS]
      .filter(([, row]) => row[engine] && row.style === style)
      .map(([name]) => name)
      .toSorted();
  expect(called("global")).toEqual(`${COMMON.global} ${OWN[engine].global}`.split(" ").toSorted());
  expect(called("receiver")).toEqual(`${COMMON.receiver} ${OWN[engine].receiver}`.split(" ").toSorted());
  expect(called("both")).toEqual(COMMON.both.split(" "));
});

test("a function of another engine is never what was meant", () => {
  expect([hasFunction("wasm", "format"), nearestFunction("wasm", "formatt")]).toEqual([false, undefined]);
  expect([hasFunction("operator", "format"), nearestFunction("operator", "formatt")]).toEqual([true, "format"]);
  expect(nearestFunction("operator", "optional.off")).not.toBe("optional.of");
  expect(hasFunction("wasm", "constructor")).toBe(false);
});

test.each(["optional", "math", "strings", "sets", "base64", "lists", "regex", "cel"])(
  "%s before a dot is a namespace and no value",
  (namespace) => {
    expect(parsed(`${namespace}.f(a)`)).toMatchObject({ kind: "call", name: `${namespace}.f`, args: [{ name: "a" }] });
    expect(parsed(`${namespace}.f(a)`)).not.toHaveProperty("receiver");
  },
);

/** Macros with the names that they bind, and the number of their bodies. */
test.each<readonly [string, readonly string[], number]>([
  ["a.all(b, c)", ["b"], 1],
  ["a.all(b, c, d)", ["b", "c"], 1],
  ["a.exists(b, c)", ["b"], 1],
  ["a.exists(b, c, d)", ["b", "c"], 1],
  ["a.exists_one(b, c)", ["b"], 1],
  ["a.exists_one(b, c, d)", ["b", "c"], 1],
  ["a.existsOne(b, c)", ["b"], 1],
  ["a.existsOne(b, c, d)", ["b", "c"], 1],
  ["a.filter(b, c)", ["b"], 1],
  ["a.map(b, c)", ["b"], 1],
  ["a.map(b, c, d)", ["b"], 2],
  ["a.transformList(b, c, d)", ["b", "c"], 1],
  ["a.transformList(b, c, d, e)", ["b", "c"], 2],
  ["a.transformMap(b, c, d)", ["b", "c"], 1],
  ["a.transformMap(b, c, d, e)", ["b", "c"], 2],
  ["a.optMap(b, c)", ["b"], 1],
  ["a.optFlatMap(b, c)", ["b"], 1],
  ["cel.bind(b, a, c)", ["b"], 1],
])("%s binds %j", (text, names, bodies) => {
  const node = parsed(text);
  if (node.kind !== "comprehension") throw new Error(`a ${node.kind}`);
  expect([node.variables.map(({ name }) => name), node.bodies.length, node.subject]).toEqual([
    names,
    bodies,
    expect.objectContaining({ kind: "identifier", name: "a" }),
  ]);
});

test.each(["a.all(b)", "a.filter(b, c, d)", "a.optMap(b, c, d)", "all(b, c)", "a.toString(b, c)", "a.bind(b, c, d)"])(
  "%s is a call",
  (text) => {
    expect(parsed(text).kind).toBe("call");
  },
);
