import { type Node, visit } from "../../cel/ast.ts";
import { namesOf, pathOf } from "../../cel/path.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { TextRange } from "../../model/place.ts";
import { CREDENTIAL_HEADERS } from "./credential-headers.ts";
import { joinedParts } from "./http-calls.ts";

/** A constant text of an object, and what it is used for. */
export type LiteralField = {
  readonly path: FieldPath;
  readonly text: string;
  /** Set for a text inside of an expression: where it stands, quotes included. */
  readonly range?: TextRange;
  /** Whether a credential is what belongs here, by the name of the header or parameter. */
  readonly use: "credential" | "url" | "any";
};

const SAYS_CREDENTIAL =
  /(?:^|[-_.])(?:token|authorization|cookie|password|secret|apikey|(?:api|access|auth|secret|subscription|functions?)[-_]?key)$/i;

/** Whether a header or parameter of this name carries a credential. */
const namesCredential = (name: string): boolean =>
  CREDENTIAL_HEADERS.has(name.toLowerCase()) || SAYS_CREDENTIAL.test(name);

/** Fields whose text is an expression, a selector or a name: their constants are found by reading them. */
const EXPRESSIONS = new Set(["predicate", "expression", "urlExpression"]);
const NO_VALUES = new Set(["selector", "patternRef"]);

/** Objects are nested no deeper than this; named patterns can be. */
const MAX_DEPTH = 32;

/** The tree of the expression in a field; undefined when it has none that could be read. */
export type TreeAt = (path: FieldPath) => Node | undefined;

/** Every constant text of a spec, those of expressions included. */
export function literalFields(spec: unknown, treeAt: TreeAt): readonly LiteralField[] {
  const found: LiteralField[] = [];
  collect(spec, ["spec"], treeAt, found);
  return found;
}

/** `path` is the way to the value, changed in place: most values are passed by and need none of their own. */
function collect(value: unknown, path: (string | number)[], treeAt: TreeAt, found: LiteralField[]): void {
  if (typeof value === "string") {
    const last = path.at(-1);
    if (typeof last === "string" && NO_VALUES.has(last)) return;
    const own = [...path];
    if (typeof last === "string" && EXPRESSIONS.has(last)) found.push(...ofExpression(value, own, treeAt(own)));
    else found.push({ path: own, text: value, use: useOf(own) });
    return;
  }
  if (value === null || typeof value !== "object" || path.length > MAX_DEPTH) return;
  const isList = Array.isArray(value);
  if (!isList) found.push(...ofNameAndValue(value, path));
  for (const [step, inner] of isList ? value.entries() : Object.entries(value)) {
    path.push(step);
    collect(inner, path, treeAt, found);
    path.pop();
  }
}

/** `{name: authorization, value: …}` of a header, `{selector: …, operator: eq, value: …}` of a pattern. */
function ofNameAndValue(value: object, path: FieldPath): readonly LiteralField[] {
  const { name, value: text, selector, operator } = value as Readonly<Record<string, unknown>>;
  if (typeof text !== "string") return [];
  const compared = operator === "eq" && typeof selector === "string" && isCredentialHeader(selector.split("."));
  const named = typeof name === "string" && namesCredential(name);
  return compared || named ? [{ path: [...path, "value"], text, use: "credential" }] : [];
}

const isCredentialHeader = (names: readonly string[]): boolean =>
  names.at(-2) === "headers" && namesCredential(names.at(-1) ?? "");

const MAPS: ReadonlySet<string | number | undefined> = new Set([
  "headers",
  "bodyParameters",
  "properties",
  "set",
  "add",
]);

/** The name under which a constant stands: `headers.authorization.plain.value`, `bodyParameters.token.value`, `set.x`. */
function useOf(path: FieldPath): LiteralField["use"] {
  if (path.at(-1) === "url") return "url";
  const holders = path.filter((step) => step !== "value" && step !== "plain");
  const inMap = MAPS.has(holders.at(-2));
  return inMap && namesCredential(String(holders.at(-1))) ? "credential" : "any";
}

function ofExpression(text: string, path: FieldPath, tree: Node | undefined): readonly LiteralField[] {
  if (tree === undefined) return [{ path, text, use: "any" }];
  const use = path.at(-1) === "urlExpression" ? "url" : useOf(path.slice(0, -1));
  const parts = joinedParts(tree);
  const constant = parts.every(({ literal }) => literal !== undefined);
  const whole = parts.map(({ literal = "" }) => literal).join("");
  const joined: readonly LiteralField[] =
    constant && use !== "any" ? [{ path, text: whole, use, range: { start: 0, end: text.length } }] : [];
  const found: LiteralField[] = [...joined];
  visit(tree, (node) => {
    if (node.kind === "literal" && typeof node.value === "string") {
      found.push({
        path,
        text: node.value,
        range: { start: node.start, end: node.end },
        use: use === "url" ? use : "any",
      });
    }
    found.push(...compared(node, path));
  });
  return found;
}

/** `request.headers['x-api-key'] == '…'`. */
function compared(node: Node, path: FieldPath): readonly LiteralField[] {
  if (node.kind !== "binary" || node.operator !== "==") return [];
  const [read, constant] = node.left.kind === "literal" ? [node.right, node.left] : [node.left, node.right];
  const names = pathOf(read);
  if (names === undefined || constant.kind !== "literal" || typeof constant.value !== "string") return [];
  if (!isCredentialHeader(namesOf(names))) return [];
  return [{ path, text: constant.value, range: { start: constant.start, end: constant.end }, use: "credential" }];
}
