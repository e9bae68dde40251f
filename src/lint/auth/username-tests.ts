import type { Call, Node } from "../../cel/ast.ts";
import { parseExpression } from "../../cel/parse.ts";
import { pathOf } from "../../cel/path.ts";
import { selectorPaths } from "../../cel/selector.ts";
import type { Pattern } from "../../model/kinds/auth-policy.ts";
import type { TextRange } from "../../model/place.ts";
import { spellPath } from "../expressions/attribute-reads.ts";
import { type Conjunct, conjunctsOf, selectorConjuncts } from "./text-tests.ts";

/** A test that other names pass than the one that was meant. */
export type OpenTest = {
  readonly range?: TextRange;
  /** The constant as it is written. */
  readonly literal: string;
  /** A name that passes as well. */
  readonly example: string;
};

export const USERNAME = "auth.identity.user.username";
const ACCOUNT = "system:serviceaccount:";

type Relation = "startsWith" | "endsWith" | "contains" | "matches";

const RELATIONS: ReadonlySet<string> = new Set<Relation>(["startsWith", "endsWith", "contains", "matches"]);

/** A name that passes a test besides those that were meant; undefined where the test is closed, or open on purpose. */
export function alsoPasses(relation: Relation, literal: string): string | undefined {
  switch (relation) {
    case "startsWith":
      return afterPrefix(literal);
    case "matches":
      return afterPattern(literal);
    case "endsWith":
    case "contains":
      return aroundPiece(relation, literal);
  }
}

/** A namespace without its closing colon. A prefix that ends in a dash is a convention, and the bare prefix anybody. */
function afterPrefix(literal: string): string | undefined {
  const [, namespace] = /^system:serviceaccount:([^:]+)$/.exec(literal) ?? [];
  return namespace === undefined || namespace.endsWith("-") ? undefined : `${ACCOUNT}${namespace}2:default`;
}

/** The same in a regular expression, which is searched for anywhere. */
function afterPattern(pattern: string): string | undefined {
  const [, name] = /^\^?(?:\(\?:)?system:serviceaccount:([a-z0-9-]+)(?:\.\*\$?)?$/.exec(pattern) ?? [];
  return name === undefined || name.endsWith("-") ? undefined : `${ACCOUNT}${name}2:default`;
}

/**
 * A piece of a name is closed when a whole namespace stands between two colons in it. What cannot be of a ServiceAccount,
 * such as a domain, is somebody else's name.
 */
function aroundPiece(relation: "endsWith" | "contains", literal: string): string | undefined {
  if (
    !/^[a-z0-9:-]+$/.test(literal) ||
    /^(?:system:)?(?:serviceaccount)?:?$/.test(literal) ||
    /^system:(?!serviceaccount:)/.test(literal)
  ) {
    return undefined;
  }
  const rest = literal.replace(/^(?:(?:system:)?serviceaccount:|:)/, "");
  const leftClosed = rest.length < literal.length;
  if (!/[a-z0-9]/.test(rest) || (leftClosed && rest.includes(":"))) return undefined;
  const [first = "", ...others] = rest.split(":");
  if (others.length > 0) return `${ACCOUNT}other-${first}:${others.join(":") || "default"}`;
  if (relation === "endsWith") {
    if (literal.includes("serviceaccount:")) return undefined;
    return `${ACCOUNT}other:${leftClosed ? first : `other-${first.replace(/^-/, "")}`}`;
  }
  return leftClosed ? `${ACCOUNT}${first}2:default` : `${ACCOUNT}other:${first}`;
}

/** Whether a conjunct keeps a name to whole namespaces or names. */
const isClosing = ({ tests }: Conjunct): boolean =>
  tests.every(({ relation, negated, value }) => {
    if (negated || typeof value !== "string") return false;
    return relation === "eq" || (relation === "prefix" && /^system:serviceaccount:[^:]+:/.test(value));
  });

/** The values that these conjuncts close; a piece of a name that is cut out of it closes the name. */
export const closedBy = (conjuncts: readonly Conjunct[]): ReadonlySet<string> =>
  new Set(conjuncts.filter(isClosing).map(({ subject }) => subject.replace(/\.split\(.*$/, "")));

/** What certainly holds of names when a list of patterns does. */
export function conjunctsOfPatterns(patterns: readonly Pattern[]): readonly Conjunct[] {
  return patterns.flatMap(({ predicate, selector: text = "", operator, value, all = [] }) => {
    const parsed = predicate === undefined ? undefined : parseExpression(predicate);
    return [
      ...(parsed?.ok === true ? conjunctsOf(parsed.value) : []),
      ...selectorConjuncts({
        paths: selectorPaths(text),
        text,
        ...(operator === undefined ? {} : { operator }),
        ...(value === undefined ? {} : { value }),
      }),
      ...conjunctsOfPatterns(all),
    ];
  });
}

/** Every open test in a condition that lets somebody pass when it holds. */
export function openTests(node: Node, truth: boolean, closed: ReadonlySet<string>): readonly OpenTest[] {
  if (node.kind === "unary" && node.operator === "!") return openTests(node.operand, !truth, closed);
  if (node.kind === "ternary") return [node.whenTrue, node.whenFalse].flatMap((side) => openTests(side, truth, closed));
  if (node.kind === "binary" && (node.operator === "&&" || node.operator === "||")) {
    const beside = (other: Node): ReadonlySet<string> =>
      node.operator === "&&" && truth ? new Set([...closed, ...closedBy(conjunctsOf(other))]) : closed;
    return [...openTests(node.left, truth, beside(node.right)), ...openTests(node.right, truth, beside(node.left))];
  }
  return truth && node.kind === "call" ? openCall(node, closed) : [];
}

function openCall({ name, receiver, args, start, end }: Call, closed: ReadonlySet<string>): readonly OpenTest[] {
  const path = receiver === undefined ? undefined : pathOf(receiver);
  const [argument] = args;
  if (path === undefined || args.length !== 1 || argument?.kind !== "literal" || !RELATIONS.has(name)) return [];
  if (typeof argument.value !== "string" || path.segments.some(({ access }) => access === "dynamic")) return [];
  const subject = spellPath(path.segments.map((segment) => segment.name));
  const literal = argument.value;
  if (closed.has(subject) || !(subject === USERNAME || literal.includes(ACCOUNT))) return [];
  const example = alsoPasses(name as Relation, literal);
  return example === undefined ? [] : [{ range: { start, end }, literal, example }];
}
