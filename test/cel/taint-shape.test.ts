import { expect, test } from "vitest";
import { namesOf } from "../../src/cel/path.ts";
import { EPHEMERAL_PORT, isTainted, type TaintSources, taintOf } from "../../src/cel/taint.ts";
import { parsed } from "./parsed.ts";

const variation = (text: string, sources: TaintSources = EPHEMERAL_PORT) => taintOf(parsed(text), sources).variation;

/** How a value varies, besides whether it does. */
test.each<readonly [string, unknown]>([
  ["source.address", "suffix"],
  ["source['address']", "suffix"],
  ["source", "tainted"],
  ["source.port", "tainted"],
  ["source.other", "clean"],
  ["destination.address", "clean"],
  ["destination", "clean"],
  ["'a' + source.address", "suffix"],
  ["source.address + 'a'", "suffix"],
  ["source.address + source.address", "suffix"],
  ["source.address + source.port", "tainted"],
  ["source.port + source.address", "tainted"],
  ["'a' + source.port", "tainted"],
  ["'a' + 'b'", "clean"],
  ["source.address - 'a'", "tainted"],
  ["-source.port", "tainted"],
  ["!source.port", "clean"],
  ["source.port || true", "clean"],
  ["source.port && true", "clean"],
  ["source.port == 1", "clean"],
  ["source.port != 1", "clean"],
  ["source.port < 1", "clean"],
  ["source.port <= 1", "clean"],
  ["source.port > 1", "clean"],
  ["source.port >= 1", "clean"],
  ["source.port in [1]", "clean"],
  ["source.address.lowerAscii()", "suffix"],
  ["source.address.split(':')", { cleanHead: 1 }],
  ["source.address.split('.')", { cleanHead: 3 }],
  ["source.address.split(':', 1)", { cleanHead: 0 }],
  ["source.address.split(':', 2)", { cleanHead: 1 }],
  ["source.address.split('.', 2)", { cleanHead: 1 }],
  ["source.address.split('.', 9)", { cleanHead: 3 }],
  ["source.address.split('.', 0)", { cleanHead: 0 }],
  ["source.address.split('.', '2')", { cleanHead: 0 }],
  ["source.address.split('.', request.size)", { cleanHead: 0 }],
  ["source.address.split()", "tainted"],
  ["source.address.split(source.address)", "tainted"],
  ["source.address.split(':', source.port)", "tainted"],
  ["source.port.split(':')", "tainted"],
  ["split(source.address, ':')", "tainted"],
  ["a ? source.address : source.address", "suffix"],
  ["a ? source.address : source.port", "tainted"],
  ["a ? source.address : 'x'", "suffix"],
  ["a ? 'x' : source.address", "suffix"],
  ["a ? source.address.split(':') : source.address.split(':')", { cleanHead: 1 }],
  ["a ? source.address.split('.') : source.address.split(':')", { cleanHead: 1 }],
  ["a ? source.address.split(':') : source.address.split('.')", { cleanHead: 1 }],
  ["a ? source.address.split(':') : source.address", "tainted"],
  ["a ? source.address : source.address.split(':')", "tainted"],
  ["(a ? source.address.split('.') : source.address.split(':'))[0]", "clean"],
  ["(a ? source.address.split('.') : source.address.split(':'))[1]", "tainted"],
  ["source.address.split('.')[2]", "clean"],
  ["source.address.split('.')[3]", "tainted"],
  ["source.address.split('.')['0']", "tainted"],
  ["source.address.split('.')[true]", "tainted"],
  ["source.address.split('.')[0u]", "clean"],
  ["[source.port][0]", "tainted"],
  ["cel.bind(a, source.address, a)", "suffix"],
  ["cel.bind(a, source.address, a + a)", "suffix"],
  ["[1].map(a, a)", "clean"],
  ["[source.address].map(a, a)", "tainted"],
  ["source.address.map(a, a.split(':')[0])", "tainted"],
  ["f(source.address).b", "tainted"],
  ["f('a').b", "clean"],
  ["has(f(source.address).b)", "clean"],
  ["{'a': source.port}", "tainted"],
  ["[]", "clean"],
  ["{}", "clean"],
])("%s: %j", (text, expected) => {
  expect(variation(text)).toEqual(expected);
});

/** What cuts the port off, and what only looks like it. */
test.each<readonly [string, boolean]>([
  ["source.address.substring(0, source.address.lastIndexOf(':'))", false],
  ["source.address.substring(0, source.address.indexOf(':'))", false],
  ["source.address.charAt(0)", false],
  ["source.address.substring()", true],
  ["source.address.substring(0)", true],
  ["source.address.substring(a, source.address.lastIndexOf(':'))", true],
  ["source.address.substring(0u, source.address.lastIndexOf(':'))", false],
  ["source.address.substring('0', source.address.lastIndexOf(':'))", true],
  ["source.address.substring(0, lastIndexOf(':'))", true],
  ["source.address.substring(0, source.address.size(':'))", true],
  ["source.address.substring(0, source.address.lastIndexOf(':', 9))", true],
  ["source.address.substring(0, source.address.lastIndexOf())", true],
  ["source.address.substring(0, source.address.lastIndexOf(a))", true],
  ["source.address.substring(0, source.address.lastIndexOf('.'))", true],
  ["source.address.substring(0, destination.address.lastIndexOf(':'))", true],
  ["source.address.substring(0, 'a'.lastIndexOf(':'))", true],
  ["source.address.lowerAscii().substring(0, 'a'.lastIndexOf(':'))", true],
  ["source.address.lowerAscii().substring(0, source.address.lastIndexOf(':'))", true],
  ["source.address.trim(0, source.address.lastIndexOf(':'))", true],
  ["source.address.pad(0, source.address.lastIndexOf(':'))", true],
  ["source.address.replace(':' + string(source.port), '')", false],
  ["source.address.replace(':' + string(source.port), 'x')", false],
  ["source.address.replace(':' + string(source.port), request.path)", true],
  ["source.address.replace(':' + string(source.port))", true],
  ["source.address.replace(':' + string(source.port), '', 1)", true],
  ["source.address.replace(':', '')", true],
  ["source.address.replace()", true],
  ["source.address.replace(':' - string(source.port), '')", true],
  ["source.address.replace(a + string(source.port), '')", true],
  ["source.address.replace('.' + string(source.port), '')", true],
  ["source.address.replace(':' + source.port, '')", true],
  ["source.address.replace(':' + int(source.port), '')", true],
  ["source.address.replace(':' + a.string(source.port), '')", true],
  ["source.address.replace(':' + string(), '')", true],
  ["source.address.replace(':' + string('80'), '')", true],
  ["source.address.replace(':' + string(destination.port), '')", true],
  ["source.address.replace(':' + string(source.address), '')", true],
  ["source.address.trim().replace(':' + string(source.port), '')", true],
  ["replace(source.address, ':' + string(source.port), '')", true],
  ["source.address.put(':' + string(source.port), '')", true],
  ["source.port.replace(':' + string(source.port), '')", true],
])("%s varies: %s", (text, expected) => {
  expect(isTainted(taintOf(parsed(text), EPHEMERAL_PORT))).toBe(expected);
});

test("functions that read the request themselves count as paths of one name", () => {
  const sources: TaintSources = {
    variationOf: (path) => (namesOf(path).join() === "requestBodyJSON" ? "tainted" : "clean"),
    readingFunctions: new Set(["requestBodyJSON", "quiet"]),
  };
  const text = "a + requestBodyJSON('/model')";
  const [path, ...more] = taintOf(parsed(text), sources).from;
  expect(more).toEqual([]);
  expect(path).toEqual({
    segments: [{ name: "requestBodyJSON", access: "root", optional: false, start: 4, end: 19 }],
    test: false,
    start: 4,
    end: 29,
  });
  expect(variation(text, sources)).toBe("tainted");
  expect(taintOf(parsed("quiet('/a')"), sources)).toEqual({ variation: "clean", from: [] });
  expect(variation("x.requestBodyJSON('/a')", sources)).toBe("clean");
  expect(variation("responseBodyJSON('/a')", sources)).toBe("clean");
});

test("a sum of two that vary names both", () => {
  const from = (text: string) => taintOf(parsed(text), EPHEMERAL_PORT).from.map(({ start }) => start);
  expect(from("source.address + source.address")).toEqual([0, 17]);
  expect(from("source.address + source.port")).toEqual([0, 17]);
  expect(from("source.address + 'a'")).toEqual([0]);
});
