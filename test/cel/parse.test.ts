import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { children, type Node } from "../../src/cel/ast.ts";
import { MAX_EXPRESSION_LENGTH, parseExpression, type SyntaxProblem } from "../../src/cel/parse.ts";

const tree = (text: string): Node => {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problems[0]?.message}`);
  return parsed.value;
};

const problem = (text: string): SyntaxProblem => {
  const parsed = parseExpression(text);
  if (parsed.ok || parsed.problems[0] === undefined) throw new Error(`parses: ${text}`);
  return parsed.problems[0];
};

/** The tree as text, every node with its own stretch of the expression. */
const outline = (text: string): readonly string[] => {
  const lines: string[] = [];
  const walk = (node: Node, depth: number): void => {
    lines.push(`${"  ".repeat(depth)}${node.kind} ${text.slice(node.start, node.end)}`);
    for (const child of children(node)) walk(child, depth + 1);
  };
  walk(tree(text), 0);
  return lines;
};

describe("parseExpression", () => {
  test.each([
    ["a select", "source.address", ["select source.address", "  identifier source"]],
    ["grouping brackets around a target", "(source).address", ["select (source).address", "  identifier source"]],
    ["brackets in brackets", "((a)) + b", ["binary ((a)) + b", "  identifier a", "  identifier b"]],
    ["brackets of a call", "f((a))", ["call f((a))", "  identifier a"]],
    ["a namespace function", "optional.of(a)", ["call optional.of(a)", "  identifier a"]],
    ["has()", "has(a.b)", ["select has(a.b)", "  identifier a"]],
    ["an absolute name", "(.request.path)", ["select .request.path", "  identifier .request"]],
    ["a fraction without zero", "a < .5", ["binary a < .5", "  identifier a", "  literal .5"]],
    [
      "a macro",
      "a.exists(v, v == 1)",
      ["comprehension a.exists(v, v == 1)", "  identifier a", "  binary v == 1", "    identifier v", "    literal 1"],
    ],
    ["a binding", "cel.bind(v, a, v)", ["comprehension cel.bind(v, a, v)", "  identifier a", "  identifier v"]],
    ["a macro's name without a value", "all(a, b)", ["call all(a, b)", "  identifier a", "  identifier b"]],
    ["a comment", "a // b\n.c", ["select a // b\n.c", "  identifier a"]],
    [
      "a bracketed condition",
      "(a) ? (b) : (c)",
      ["ternary (a) ? (b) : (c)", "  identifier a", "  identifier b", "  identifier c"],
    ],
  ])("gives %s its range", (_, text, expected) => {
    expect(outline(text)).toEqual(expected);
  });

  test.each([
    ["1", "int", 1n],
    ["1u", "uint", 1n],
    ["0x10", "int", 16n],
    [".5", "double", 0.5],
    ["1.5e3", "double", 1500],
    ["'a\\n'", "string", "a\n"],
    ["r'a\\n'", "string", "a\\n"],
    ["r'a\\'", "string", "a\\"],
    ["R'''a\\'''", "string", "a\\"],
    ["br'\\d'", "bytes", "br'\\d'"],
    ["9223372036854775807", "int", 9223372036854775807n],
    ["true", "bool", true],
    ["null", "null", null],
  ])("reads the literal %s as %s", (text, type, value) => {
    expect(tree(text)).toMatchObject({ kind: "literal", type, value, end: text.length });
  });

  test.each([
    ["the smallest whole number", "a - -9223372036854775808"],
    ["a negated number", "!-1"],
    ["signs in brackets", "-(!a) == !(-b)"],
    ["an empty list with a comma", "a in [,]"],
    ["an empty map with a comma", "{,}.size()"],
    ["has() of has()", "has(has(a.b))"],
    ["an absolute name after a question mark", "a ? .b : a[?.c]"],
    ["many arguments and items", `f(${"1,".repeat(100)}[${"1,".repeat(1500)}])`],
  ])("reads %s", (_, text) => {
    expect(parseExpression(text)).toMatchObject({ ok: true });
  });

  test("marks optional selections and indexes", () => {
    expect(tree("a.?b")).toMatchObject({
      kind: "select",
      field: "b",
      optional: true,
      fieldRange: { start: 3, end: 4 },
    });
    expect(tree("a[?'b']")).toMatchObject({ kind: "index", optional: true });
  });

  test("finds the name of a call behind a call of the same name", () => {
    expect(tree("x.split(':').split('/')")).toMatchObject({ name: "split", nameRange: { start: 13, end: 18 } });
  });
});

describe("a syntax problem", () => {
  test.each([
    ["has() of an index", "has(request.headers['x-skip'])", 4, "write `'x-skip' in request.headers`"],
    ["has() of a header with a dash", "has(request.headers.x-team)", 4, "write `'x-team' in request.headers`"],
    [
      "a header whose name holds a reserved word",
      "request.headers.x-forwarded-for == 'a'",
      28,
      "`request.headers['x-forwarded-for']`",
    ],
    ["has() of a root", "has(request)", 4, "has() needs a field selection"],
    ["has() of an optional selection", "has(a.?b)", 4, "has() needs a field selection"],
    ["an open quote", "a == 'b", 5, "close the quote"],
    ["a single =", "a = 'b'", 2, "`==`"],
    ["and", "a and b", 2, "`&&`"],
    ["AND in capitals", "a AND b", 2, "`&&`"],
    ["or", "a or b", 2, "`||`"],
    ["not", "not a", 4, "`!`"],
    ["a single &", "a & b", 2, "`&&`"],
    ["a single |", "a | b", 2, "`||`"],
    ["a shell placeholder", `${"$"}{auth.identity}`, 0, "is not replaced here"],
    ["Go template braces", "{{ .user }}", 9, "Go template braces"],
    ["a selector modifier", "request.host.@case:lower", 13, "`selector` only"],
    ["a trailing semicolon", "a == b;", 6, "trailing `;`"],
    ["typographic quotes", "a == \u2018b\u2019", 5, "typographic quotes"],
    ["a bare ternary in a ternary", "a ? b ? 'x' : 'y' : 'z'", 4, "write `(b ? 'x' : 'y')`"],
  ])("has the place and a hint for %s", (_, text, offset, hint) => {
    expect(problem(text)).toMatchObject({ certainty: "invalid", offset, hint: expect.stringContaining(hint) });
  });

  test.each([
    ["nothing at all", "", 0, "is empty"],
    ["blanks only", " \n ", 0, "is empty"],
    ["a call left open", "a.startsWith(", 13, "the expression ends where a value is expected"],
    ["a list left open", "[a, b", 5, "the expression ends where `]` is expected"],
    ["half a ternary", "a ? b", 5, "where `:` is expected"],
    ["a comma after the last argument", "f(a,)", 3, "no comma after it"],
    ["an escape that does not exist", "'10\\..*'", 3, "invalid escape"],
    ["a reserved word", "namespace == 'a'", 0, "`namespace` is a reserved word"],
    ["a macro without a name", "a.all(b.c, true)", 6, "must be a plain name"],
    ["a character of no meaning", "a # b", 2, "`#` does not belong here"],
    ["quoted text over two lines", "'a\nb'", 2, "the quote is not closed"],
    ["a quote that a raw text has no escape for", "r'\\''", 4, "a quote is not closed"],
    ["two dots", "request..path == 'a'", 8, "`.` stands where a name is expected"],
    ["an optional selection of nothing", "a.?.b", 3, "`.` stands where a name is expected"],
    ["a hexadecimal number with a capital X", "0XFF", 0, "begins with a small `0x`"],
    ["a whole number that is too large", "a == 9223372036854775808", 5, "does not fit into 64 bits"],
    ["one that only a single minus would make fit", "--9223372036854775808", 2, "does not fit into 64 bits"],
    ["one after a subtraction", "a - 9223372036854775808", 4, "does not fit into 64 bits"],
    ["one without a sign", "18446744073709551616u", 0, "no whole number"],
    ["a minus of a negation", "-!a", 1, "do not mix without round brackets"],
    ["a negation of a minus", "!-a", 1, "do not mix without round brackets"],
    ["optMap() without a name", "a.optMap(1, x)", 9, "must be a plain name"],
  ])("tells %s", (_, text, offset, message) => {
    expect(problem(text)).toMatchObject({ certainty: "invalid", offset, message: expect.stringContaining(message) });
  });

  test.each([
    ["a text that is too long", `'${"x".repeat(MAX_EXPRESSION_LENGTH)}'`],
    ["deep brackets", `${"(".repeat(400)}a${")".repeat(400)}`],
    ["a long chain of operators", `a${" + a".repeat(600)}`],
    ["thousands of negations", `${"!".repeat(4000)}a`],
    ["an optional list entry", "[?a.b]"],
    ["a message", "google.protobuf.Duration{seconds: 1}"],
    ["a quoted field name", "a.`b-c`"],
  ])("claims nothing about %s", (_, text) => {
    expect(problem(text).certainty).toBe("unchecked");
  });
});

const fragments = fc.constantFrom(
  ..."source .address request headers has ( ) [ ] { } , : ? ?. ! && || == in + - ' \" ''' r' b\" \\ 1 .5 0x 1.e9 true null // \n \f \u00a0 all map exists cel.bind optional.of x a['b'] \ud83d\ude00".split(
    " ",
  ),
);
const expressions = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.array(fragments, { maxLength: 25 }).map((parts) => parts.join("")),
  fc.array(fragments, { maxLength: 25 }).map((parts) => parts.join(" ")),
);

/** Expressions of every shape, brackets and blanks included. */
const valid = fc.letrec<Record<"any" | "value", string>>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom("a", "source.address", "'x'", "1", ".5", "request.headers['x-team']", "has(a.b)", ".a.?b"),
    fc
      .tuple(tie("value"), fc.constantFrom("+", " == ", " && ", " in ", "||"), tie("value"))
      .map((parts) => parts.join("")),
    tie("value").map((value) => `${value}.split( ':' )[0]`),
    fc.tuple(tie("value"), tie("value")).map(([list, body]) => `${list}.exists(v, ${body})`),
    fc.tuple(tie("value"), tie("any"), tie("value")).map(([a, b, c]) => `${a} ? (${b}) : ${c}`),
    fc.tuple(tie("any"), tie("any")).map(([a, b]) => `{${a}: [${b}]}`),
  ),
  value: fc.oneof(
    tie("any").map((any) => `( ${any})`),
    fc.constant("b.c"),
  ),
})).any;

describe("any text", () => {
  test("never makes the parser throw, and a problem lies within the text", () => {
    fc.assert(
      fc.property(expressions, (text) => {
        const parsed = parseExpression(text);
        if (parsed.ok) return;
        const [first] = parsed.problems;
        expect(first?.offset).toBeGreaterThanOrEqual(0);
        expect(first?.end).toBeGreaterThanOrEqual(first?.offset ?? 0);
        expect(first?.end).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 3000 },
    );
  });

  test("gives every node a range within its parent's", () => {
    const within = (node: Node): void => {
      for (const child of children(node)) {
        expect(child.start).toBeGreaterThanOrEqual(node.start);
        expect(child.end).toBeLessThanOrEqual(node.end);
        expect(child.end).toBeGreaterThan(child.start);
        within(child);
      }
    };
    fc.assert(
      fc.property(valid, (text) => within(tree(text))),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(expressions, (text) => {
        const parsed = parseExpression(text);
        if (parsed.ok) within(parsed.value);
      }),
      { numRuns: 3000 },
    );
  });
});
