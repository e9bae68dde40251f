import type { Binary, Call, Node } from "../../cel/ast.ts";
import { pathOf } from "../../cel/path.ts";
import type { SelectorPath } from "../../cel/selector.ts";
import type { TextRange } from "../../model/place.ts";
import { spellPath } from "../expressions/attribute-reads.ts";

/** What one test asks of a value. `incl`: a list has the element. */
type Relation = "eq" | "prefix" | "suffix" | "contains" | "incl";

/** A test of one value against a constant. */
export type TextTest = {
  readonly relation: Relation;
  readonly negated: boolean;
  readonly value: string | bigint | boolean;
  /** Where it stands in the expression; undefined for a selector with its operator and value. */
  readonly range?: TextRange;
};

/** Tests of one value, one of which must hold. */
export type Conjunct = {
  /** Identity of the value: the same subject has the same value throughout one request. */
  readonly subject: string;
  /** The value as messages name it. */
  readonly words: string;
  readonly tests: readonly TextTest[];
};

/** What certainly holds whenever an expression is true: all of these. What is no test of a value is left out. */
export const conjunctsOf = (node: Node): readonly Conjunct[] => conjuncts(node, true);

/** Below a negation every test stands where the negation does: alone, its text would say the opposite. */
function conjuncts(node: Node, truth: boolean, negation?: TextRange): readonly Conjunct[] {
  if (node.kind === "unary" && node.operator === "!") {
    return conjuncts(node.operand, !truth, negation ?? rangeOf(node));
  }
  if (node.kind === "binary" && (node.operator === "&&" || node.operator === "||")) {
    const sides = [conjuncts(node.left, truth, negation), conjuncts(node.right, truth, negation)] as const;
    return (node.operator === "&&") === truth ? sides.flat() : anyOf(sides);
  }
  if (negation === undefined) return leaf(node, truth);
  return leaf(node, truth).map(({ tests, ...asked }) => ({
    ...asked,
    tests: tests.map((test) => ({ ...test, range: negation })),
  }));
}

/** What certainly holds when one of several sets of conjuncts does: a value that each of them tests passes one test. */
export function anyOf(alternatives: readonly (readonly Conjunct[])[]): readonly Conjunct[] {
  const [first = [], ...rest] = alternatives;
  return first.flatMap(({ subject, words, tests }) => {
    const others = rest.map((conjunctList) => conjunctList.find((other) => other.subject === subject)?.tests);
    if (others.some((found) => found === undefined)) return [];
    return [{ subject, words, tests: [...tests, ...others.flatMap((found) => found ?? [])] }];
  });
}

function leaf(node: Node, truth: boolean): readonly Conjunct[] {
  if (node.kind === "binary") return comparison(node, truth);
  if (node.kind === "call") return textCall(node, truth);
  const asked = subjectOf(node);
  const isBare = (node.kind === "select" || node.kind === "index") && !node.optional;
  return isBare && asked !== undefined
    ? [{ ...asked, tests: [{ relation: "eq", negated: false, value: truth, range: rangeOf(node) }] }]
    : [];
}

const rangeOf = ({ start, end }: TextRange): TextRange => ({ start, end });

function comparison(node: Binary, truth: boolean): readonly Conjunct[] {
  const range = rangeOf(node);
  if (node.operator === "in") return membership(node, truth);
  if (node.operator !== "==" && node.operator !== "!=") return [];
  const [side, other] = node.left.kind === "literal" ? [node.right, node.left] : [node.left, node.right];
  const value = constant(other);
  const asked = subjectOf(side);
  if (asked === undefined || value === undefined) return [];
  return [{ ...asked, tests: [{ relation: "eq", negated: (node.operator === "==") !== truth, value, range }] }];
}

/** `x in ['a', 'b']`. */
function membership({ left, right, start, end }: Binary, truth: boolean): readonly Conjunct[] {
  const asked = subjectOf(left);
  if (asked === undefined || right.kind !== "list" || right.items.length === 0) return [];
  const values = right.items.map(constant);
  const tests = values.flatMap((value): readonly TextTest[] =>
    value === undefined ? [] : [{ relation: "eq", negated: !truth, value, range: { start, end } }],
  );
  if (tests.length < values.length) return [];
  return truth ? [{ ...asked, tests }] : tests.map((test) => ({ ...asked, tests: [test] }));
}

const CALLS: ReadonlyMap<string, Relation> = new Map([
  ["startsWith", "prefix"],
  ["endsWith", "suffix"],
  ["contains", "contains"],
]);

function textCall(node: Call, truth: boolean): readonly Conjunct[] {
  const [argument] = node.args;
  const asked = node.receiver === undefined ? undefined : subjectOf(node.receiver);
  const value = argument === undefined ? undefined : constant(argument);
  if (asked === undefined || typeof value !== "string" || node.args.length !== 1) return [];
  const relation = CALLS.get(node.name);
  const test =
    relation !== undefined ? { relation, value } : node.name === "matches" ? anchored(value, truth) : undefined;
  return test === undefined ? [] : [{ ...asked, tests: [{ ...test, negated: !truth, range: rangeOf(node) }] }];
}

/** Characters that stand for themselves in RE2, and the escaped ones among those that do not. */
const LITERAL_HEAD = /^\^((?:[\w:/@ ,=-]|\\[.\-/:@])*)/;

/**
 * A regular expression that begins with constant text, as the test that it makes at least; with `truth` false, the
 * test that it is exactly. Undefined when nothing certain can be said.
 */
function anchored(pattern: string, truth: boolean): Pick<TextTest, "relation" | "value"> | undefined {
  const [whole, head = ""] = LITERAL_HEAD.exec(pattern) ?? [];
  if (whole === undefined || pattern.includes("|")) return undefined;
  const rest = pattern.slice(whole.length);
  const text = head.replace(/\\(.)/g, "$1");
  if (rest === "$") return { relation: "eq", value: text };
  if (!truth && rest !== "" && rest !== ".*") return undefined;
  const value = /^[?*{]/.test(rest) ? text.slice(0, -1) : text;
  return value === "" ? undefined : { relation: "prefix", value };
}

const constant = (node: Node): TextTest["value"] | undefined => {
  if (node.kind !== "literal" || !["string", "bool", "int"].includes(node.type)) return undefined;
  const { value } = node;
  return typeof value === "string" || typeof value === "bigint" || typeof value === "boolean" ? value : undefined;
};

type Subject = Pick<Conjunct, "subject" | "words">;

/** The value that an expression stands for: an attribute, or a function of attributes and constants. */
function subjectOf(node: Node): Subject | undefined {
  const path = pathOf(node);
  if (path !== undefined) {
    if (path.segments.some(({ access }) => access === "dynamic")) return undefined;
    const names = path.segments.map(({ name }) => name);
    const spelt = path.test ? `has(${spellPath(names)})` : spellPath(names);
    // `a.?b` is an optional and not the value of `a.b`.
    const optional = path.segments.some((segment) => segment.optional) ? "optional " : "";
    return isStable(names) ? { subject: `${optional}${spelt}`, words: spelt } : undefined;
  }
  if (node.kind === "literal") {
    const text = typeof node.value === "string" ? `'${node.value}'` : String(node.value);
    return { subject: `${node.type} ${JSON.stringify(text)}`, words: text };
  }
  if (node.kind === "index") return composed([node.target, node.key], ([target, key]) => `${target}[${key}]`);
  if (node.kind !== "call") return undefined;
  const { name, receiver, args } = node;
  if (receiver === undefined) return composed(args, (words) => `${name}(${words.join(", ")})`);
  return composed([receiver, ...args], ([target, ...words]) => `${target}.${name}(${words.join(", ")})`);
}

function composed(parts: readonly Node[], spell: (words: readonly string[]) => string): Subject | undefined {
  const subjects = parts.map(subjectOf).filter((subject) => subject !== undefined);
  if (subjects.length < parts.length || parts.every(({ kind }) => kind === "literal")) return undefined;
  return { subject: spell(subjects.map(({ subject }) => subject)), words: spell(subjects.map(({ words }) => words)) };
}

/** Results of authorization appear while authorization runs, so that two items may see different ones. */
const isStable = ([root, member]: readonly string[]): boolean => root !== "auth" || member !== "authorization";

type Comparison = {
  readonly paths: readonly SelectorPath[];
  readonly text: string;
  readonly operator?: string;
  readonly value?: string;
};

/** What a selector, compared by an operator, certainly says. gjson compares texts. */
export function selectorConjuncts({ paths, text, operator, value = "" }: Comparison): readonly Conjunct[] {
  const [path] = paths;
  const whole = path !== undefined && paths.length === 1 && path.start === 0 && path.end === text.length;
  const names = path?.segments.map(({ name }) => name) ?? [];
  if (!isStable(names)) return [];
  const isPath = whole && path.plain && path.modifiers.length === 0;
  const asked: Subject = isPath
    ? { subject: spellPath(names), words: text }
    : { subject: `selector ${text}`, words: text };
  const test = ((): TextTest | undefined => {
    if (operator === "eq" || operator === "neq") return { relation: "eq", negated: operator === "neq", value };
    if (operator === "incl" || operator === "excl") return { relation: "incl", negated: operator === "excl", value };
    const regex = operator === "matches" ? anchored(value, true) : undefined;
    return regex === undefined ? undefined : { ...regex, negated: false };
  })();
  return test === undefined ? [] : [{ ...asked, tests: [test] }];
}

/** Whether two conjuncts about one value cannot both hold, whichever of their alternatives is taken. */
export const contradict = (a: Conjunct, b: Conjunct): boolean =>
  a.subject === b.subject && a.tests.every((one) => b.tests.every((other) => excludes(one, other)));

function excludes(a: TextTest, b: TextTest): boolean {
  if (a.negated && b.negated) return false;
  if (a.negated) return implies(b, a);
  if (b.negated) return implies(a, b);
  if (typeof a.value !== typeof b.value) return false;
  if (a.relation === "eq" && b.relation === "eq") return a.value !== b.value;
  if (typeof a.value !== "string" || typeof b.value !== "string") return false;
  if (a.relation === "eq") return b.relation !== "incl" && !implies(a, b);
  if (b.relation === "eq") return a.relation !== "incl" && !implies(b, a);
  if (a.relation !== b.relation) return false;
  if (a.relation === "prefix") return !a.value.startsWith(b.value) && !b.value.startsWith(a.value);
  return a.relation === "suffix" && !a.value.endsWith(b.value) && !b.value.endsWith(a.value);
}

/** Whether a value that passes `a` also passes `b`, both taken as not negated. */
function implies(a: TextTest, b: TextTest): boolean {
  if (a.relation === b.relation && a.value === b.value) return true;
  if (typeof a.value !== "string" || typeof b.value !== "string" || a.relation === "incl") return false;
  switch (b.relation) {
    case "eq":
    case "incl":
      return false;
    case "prefix":
      return (a.relation === "eq" || a.relation === "prefix") && a.value.startsWith(b.value);
    case "suffix":
      return (a.relation === "eq" || a.relation === "suffix") && a.value.endsWith(b.value);
    case "contains":
      return a.value.includes(b.value);
  }
}
