import { describe, expect, test } from "vitest";
import { type Node, visit } from "../../src/cel/ast.ts";
import { availability } from "../../src/cel/attributes.ts";
import { type CelEngine, FUNCTIONS, hasFunction } from "../../src/cel/functions.ts";
import { parseExpression } from "../../src/cel/parse.ts";
import { AUTHORINO_PRESENCE, pathUses } from "../../src/cel/path-uses.ts";
import { type StaticType, staticType } from "../../src/cel/static-type.ts";
import { rule } from "../../src/lint/rules/cel-unsupported-function.ts";
import { authPattern, limitedWhen } from "../support/expression-policies.ts";
import { findingsOf } from "../support/rule-findings.ts";
import { askCelGo, type CelGoAnswer, declaredFunctions } from "./cel-go/ask.ts";
import { mutants, writtenExpressions } from "./cel-go/corpus.ts";
import { BINDINGS, EVALUATIONS } from "./cel-go/evaluations.ts";
import { GRAMMAR } from "./cel-go/grammar.ts";
import { evaluated } from "./cel-go/written-value.ts";

const written = writtenExpressions();
const expressions = [
  ...new Set([
    ...written,
    ...GRAMMAR,
    ...mutants(
      written.filter(({ length }) => length < 120),
      2_000,
    ),
  ]),
];

const asked = async (engine: "authorino" | "operator") => {
  const answers = await askCelGo(expressions.map((expression) => ({ engine, expression })));
  return expressions.map((expression, at) => {
    const answer: CelGoAnswer = answers[at] ?? {};
    return { expression, answer, ours: parseExpression(expression) };
  });
};
const [authorino, operator] = [await asked("authorino"), await asked("operator")];

/** Expressions that one side takes and the other one does not, each with the reason for which it stays so. */
const KNOWN_DISAGREEMENTS: Readonly<Record<string, string>> = {
  "has()": "cel-go parses a call of a function `has` and refuses it in its check: no engine accepts it",
  "has(a.b, c)": "the same",
  "cel.bind(1, 2, 3)": "cel-go without its bindings parses a method `bind` and refuses it in its check",
  "cel.bind(a.b, 1, 2)": "the same",
  "[1].all(__result__, true)": "a name that cel-go keeps for itself; the gateway's parser may take it",
  "[1].map(__result__, 1)": "the same",
};

const isRefused = ({ parse, check }: CelGoAnswer): boolean => (parse ?? check) !== undefined;

/** cel-go's bound on depth, which is not at a place of the text. */
const isTooDeep = ({ parse = [] }: CelGoAnswer): boolean => parse.some(({ message }) => /recursion/.test(message));

describe("syntax", () => {
  test("is compared on examples, guides, observed runs, the whole grammar and 2,000 mutants", () => {
    expect(written.length).toBeGreaterThan(400);
    expect(GRAMMAR.length).toBeGreaterThan(500);
    expect(expressions.length).toBeGreaterThan(2_900);
  });

  test("is right for us exactly when it is for cel-go, apart from the listed ones", () => {
    const different = authorino
      .filter(({ ours, answer }) => ours.ok !== (answer.parse === undefined))
      .filter(({ ours, answer }) => !(ours.ok ? isTooDeep(answer) : ours.problems[0]?.certainty === "unchecked"))
      .map(({ expression }) => expression);
    expect(different.toSorted()).toEqual(Object.keys(KNOWN_DISAGREEMENTS).toSorted());
  });

  test("that no engine accepts is never accepted by cel-go", () => {
    const accepted = authorino.filter(
      ({ ours, answer }) => !ours.ok && ours.problems[0]?.certainty === "invalid" && !isRefused(answer),
    );
    expect(accepted.map(({ expression }) => expression)).toEqual([]);
  });

  test("is nowhere left unchecked in what people wrote, and rarely elsewhere", () => {
    const unchecked = authorino.filter(({ ours }) => !ours.ok && ours.problems[0]?.certainty === "unchecked");
    expect(unchecked.filter(({ expression }) => written.includes(expression))).toEqual([]);
    expect(unchecked.length / authorino.length).toBeLessThan(0.03);
  });

  test("is wrong at the same place, or within the same word or text", () => {
    const places = authorino.flatMap(({ expression, ours, answer }) => {
      const [problem, celGo] = [ours.ok ? undefined : ours.problems[0], answer.parse?.[0]];
      if (problem?.certainty !== "invalid" || celGo === undefined || celGo.line < 1) return [];
      const before = expression.slice(0, problem.offset);
      const line = before.split("\n").length;
      const column = [...before.slice(before.lastIndexOf("\n") + 1)].length + 1;
      return [{ expression, isSame: line === celGo.line && column === celGo.column, isLine: line === celGo.line }];
    });
    expect(places.length).toBeGreaterThan(2_000);
    expect(places.filter(({ isSame }) => isSame).length / places.length).toBeGreaterThan(0.92);
    // Nothing but a line break: we point at its beginning.
    expect(places.filter(({ isLine }) => !isLine).map(({ expression }) => expression)).toEqual(["\n"]);
  });

  test("of optional values is the only one that the operator's validator lacks", () => {
    const usesOptional = (tree: Node): boolean => {
      let found = false;
      visit(tree, (node) => {
        found ||= (node.kind === "select" || node.kind === "index") && node.optional;
      });
      return found;
    };
    const refused = operator.filter(
      ({ expression, ours, answer }) =>
        ours.ok && answer.parse !== undefined && !isTooDeep(answer) && !(expression in KNOWN_DISAGREEMENTS),
    );
    expect(refused.length).toBeGreaterThan(20);
    expect(refused.filter(({ ours }) => ours.ok && !usesOptional(ours.value))).toEqual([]);
  });
});

/** The names that cel-go does not know; an absolute one without its dot. */
const undeclared = ({ check = [] }: CelGoAnswer): ReadonlySet<string> =>
  new Set(check.flatMap(({ message }) => /^undeclared reference to '\.?(.+?)' \(/.exec(message)?.[1] ?? []));

/** Every call's last name. */
function calledIn(tree: Node): ReadonlySet<string> {
  const names = new Set<string>();
  visit(tree, (node) => {
    const name = node.kind === "call" ? node.name : node.kind === "comprehension" ? node.macro : undefined;
    if (name !== undefined) names.add(name.split(".").at(-1) ?? name);
  });
  return names;
}

/** Last names of the functions that the linter reports in an expression. */
const reported = (expression: string, document: string): ReadonlySet<string> =>
  new Set(
    findingsOf(rule, document).flatMap(({ range }) =>
      range === undefined ? [] : (/(\w+)$/.exec(expression.slice(range.start, range.end))?.[1] ?? []),
    ),
  );

describe("functions", () => {
  test.each(["authorino", "operator"] as const)("of %s are those that cel-go declares", async (engine: CelEngine) => {
    const declared = await declaredFunctions(engine === "authorino" ? "authorino" : "operator");
    // An old spelling of the operator `in`, which the grammar does not reach.
    const theirs = Object.entries(declared)
      .filter(([name]) => name !== "in")
      .map(([name, { global, receiver }]) => `${name} ${global && receiver ? "both" : global ? "global" : "receiver"}`);
    const ours = [...FUNCTIONS]
      .filter(([name]) => hasFunction(engine, name))
      .map(([name, { style }]) => `${name} ${style}`);
    expect(ours.toSorted()).toEqual(theirs.toSorted());
  });

  test.each([
    ["Authorino", authorino, (text: string) => authPattern({ predicate: text })],
    ["the operator", operator, limitedWhen],
  ] as const)("that %s does not know are all reported", (_, answered, policy) => {
    const missed = answered.flatMap(({ expression, ours, answer }) => {
      if (!ours.ok || answer.parse !== undefined) return [];
      const called = calledIn(ours.value);
      const unknown = [...undeclared(answer)].filter((name) => called.has(name));
      if (unknown.length === 0) return [];
      const found = reported(expression, policy(expression));
      return unknown.filter((name) => !found.has(name)).map((name) => `${name} in ${expression}`);
    });
    expect(missed).toEqual([]);
  });

  test("that are reported in Authorino are refused there, as unknown or for the way in which they are called", () => {
    const checked = authorino.flatMap(({ expression, ours, answer }) => {
      if (!ours.ok || answer.parse !== undefined) return [];
      const unknown = undeclared(answer);
      const said = JSON.stringify(answer.check ?? []);
      return [...reported(expression, authPattern({ predicate: expression }))].map((name) => ({
        name,
        expression,
        isRefused: unknown.has(name) || said.includes(`overload for '${name}'`) || said.includes(`.${name}'`),
      }));
    });
    expect(checked.length).toBeGreaterThan(150);
    expect(checked.filter(({ isRefused }) => !isRefused)).toEqual([]);
  });
});

describe("variables", () => {
  test.each([
    ["authorino", authorino],
    ["operator", operator],
  ] as const)("that %s does not bind are the same ones", (engine, answered) => {
    const different = answered.flatMap(({ expression, ours, answer }) => {
      if (!ours.ok || answer.parse !== undefined) return [];
      const roots = pathUses(ours.value, AUTHORINO_PRESENCE).map(({ path }) => String(path.segments[0]?.name));
      const unknown = undeclared(answer);
      return [...new Set(roots)]
        .filter((root) => (availability(engine, [root]).status === "absent") !== unknown.has(root))
        .map((root) => `${root} in ${expression}`);
    });
    expect(different).toEqual([]);
  });
});

const TYPES: Readonly<Record<string, StaticType>> = {
  int: "number",
  uint: "number",
  double: "number",
  bool: "bool",
  string: "string",
  bytes: "bytes",
  null_type: "null",
  timestamp: "timestamp",
  duration: "duration",
  "google.protobuf.Timestamp": "timestamp",
  "google.protobuf.Duration": "duration",
  list: "list",
  map: "map",
  optional_type: "optional",
};

describe("types", () => {
  test("that we call certain are those of cel-go's checker", () => {
    const compared = [...authorino, ...operator].flatMap(({ expression, ours, answer: { type } }) => {
      if (!ours.ok || type === undefined || type === "dyn") return [];
      const certain = staticType(ours.value, () => "unknown");
      return certain === "unknown" ? [] : [{ expression, certain, celGo: TYPES[type.replace(/\(.*/, "")] ?? type }];
    });
    expect(compared.length).toBeGreaterThan(600);
    const different = compared.filter(({ certain, celGo }) =>
      certain === "not-bool" ? celGo === "bool" : certain !== celGo,
    );
    expect(different).toEqual([]);
  });
});

describe("evaluation, as the rules of CustomResourceDefinitions need it", () => {
  test("comes to the same values and errors", async () => {
    const answers = await askCelGo(
      EVALUATIONS.map((expression) => ({ engine: "evaluation", expression, bindings: BINDINGS })),
    );
    const compared = EVALUATIONS.flatMap((expression, at) => {
      const answer = answers[at] ?? {};
      // A rule that is refused is in no cluster.
      if (isRefused(answer)) return [];
      return [{ expression, ours: evaluated(expression, BINDINGS), celGo: answer.failed ?? answer.value }];
    });
    const unchecked = compared.filter(({ ours }) => ours === "unchecked");
    expect(compared.length).toBeGreaterThan(24_000);
    expect(unchecked.length).toBeLessThan(30);
    const different = compared.filter(
      ({ ours, celGo }) =>
        ours !== "unchecked" && JSON.stringify(ours) !== JSON.stringify(typeof celGo === "string" ? "failed" : celGo),
    );
    expect(different).toEqual([]);
  });
});
