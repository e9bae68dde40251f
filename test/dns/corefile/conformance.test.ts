import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "../../../src/dns/corefile/diagnostic.ts";
import { loadCorefile } from "../../../src/dns/directives/load-corefile.ts";
import { memoryFiles } from "./memory-files.ts";

type Case = {
  readonly id: string;
  readonly title: string;
  readonly corefile: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly expected: { readonly start: boolean; readonly errorContains?: string };
};

const PLACEHOLDERS: Readonly<Record<string, string>> = {
  "@PORT@": "5300",
  "@HEALTH@": "5301",
  "@READY@": "5302",
  "@METRICS@": "5303",
  "@UPSTREAM@": "127.0.0.1:9053",
};

const fill = (text: string): string => text.replaceAll(/@[A-Z]+@/g, (name) => PLACEHOLDERS[name] ?? name);

const fillAll = (record: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, fill(value)]));

const { cases, fixtures } = JSON.parse(readFileSync(new URL("./corefile-cases.json", import.meta.url), "utf8")) as {
  readonly cases: readonly Case[];
  readonly fixtures: Readonly<Record<string, { readonly corefile: string; readonly coredns?: string }>>;
};

const load = (text: string, { files, env }: Pick<Case, "files" | "env"> = {}) =>
  loadCorefile({
    file: "Corefile",
    text: fill(text),
    environment: fillAll(env),
    files: memoryFiles(fillAll(files)),
    compatibility: "strict",
  });

/** Cases whose expectation only a start can show: a name must be looked up. Their text is still read and set up here. */
const NEEDS_A_START = ["CF-116"];

const here = cases.filter(({ id }) => !NEEDS_A_START.includes(id));
const started = cases.filter(({ id }) => NEEDS_A_START.includes(id));

test("all 101 cases are looked at", () => {
  expect([here.length, started.length, new Set(cases.map(({ id }) => id)).size]).toEqual([100, 1, 101]);
});

describe.each(here)("$id: $title", (item) => {
  const loaded = load(item.corefile, item);
  const errors = loaded.diagnostics.filter(({ severity }) => severity === "error").map(formatDiagnostic);

  test(item.expected.start ? "starts" : "does not start, and says why and where", () => {
    if (item.expected.start) expect(errors).toEqual([]);
    else expect(errors.join("\n")).toContain(item.expected.errorContains ?? "");
    expect(loaded.servers !== undefined).toBe(item.expected.start);
    for (const error of errors) expect(error).toMatch(/^[^:]+:\d+ - \S/);
  });
});

describe.each(started)("$id: $title", (item) => {
  test("is read; the look-up is left to the start", () => {
    const { servers } = load(item.corefile, item);
    const forward = servers?.[0]?.directives.find(({ name }) => name === "forward");
    expect(forward?.settings).toMatchObject({ to: [{ kind: "name" }] });
  });
});

describe.each(Object.entries(fixtures))("the fixture %s", (_id, { corefile, coredns }) => {
  test.each(Object.entries({ "for Sluice": corefile, "for CoreDNS": coredns ?? corefile }))(
    "loads %s",
    (_title, text) => {
      const { diagnostics, servers } = load(text);
      expect(diagnostics.map(formatDiagnostic)).toEqual([]);
      expect(servers).toBeDefined();
    },
  );
});
