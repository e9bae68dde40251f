import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judgeChange } from "../../src/lint/admission.ts";
import type { ChangeRequest } from "../../src/lint/change.ts";
import { rules } from "../../src/lint/rules/index.ts";
import type { Finding } from "../../src/model/finding.ts";
import type { Topology } from "../../src/model/topology.ts";
import { corpus, mutated, mutation, reordered, withMetadata } from "../support/corpus.ts";

const cases = corpus();
const strict = { rules, profile: "strict" } as const;

const judge = (cluster: Topology, change: Pick<ChangeRequest, "operation" | "object" | "oldObject">) =>
  judgeChange({ ...change, namespace: "g" }, cluster, strict);

const told = (findings: readonly Finding[]) => findings.map(({ rule, message }) => `${rule}: ${message}`);

const deniedUpdate = (cluster: Topology, oldObject: unknown, object: unknown) =>
  told(judge(cluster, { operation: "UPDATE", object, oldObject }).denied);

/** Changes of an object that bring nothing new. */
const HARMLESS: Readonly<Record<string, (raw: unknown) => unknown>> = {
  "nothing at all": (raw) => raw,
  "a label": (raw) => withMetadata(raw, { labels: { team: "shop" } }),
  "an annotation": (raw) => withMetadata(raw, { annotations: { owner: "shop" } }),
  "a waypoint's label": (raw) => withMetadata(raw, { labels: { "istio.io/use-waypoint": "none-such" } }),
  "a finalizer that goes": (raw) => withMetadata(raw, { finalizers: [] }),
  "the status": (raw) => ({ ...(raw as object), status: { conditions: [{ type: "Accepted", status: "False" }] } }),
};

const someCase = fc.integer({ min: 0, max: cases.length - 1 });

test("the corpus is large, and much of it is refused when it is created", () => {
  const refused = cases.filter(
    ({ written, cluster }) =>
      judge(cluster, { operation: "CREATE", object: written.raw, oldObject: null }).denied.length > 0,
  );
  expect(cases.length).toBeGreaterThan(500);
  expect(refused.length).toBeGreaterThan(100);
});

describe("of every object in the rules' examples", () => {
  test.each(Object.entries(HARMLESS))("an update that changes %s is allowed", (_what, change) => {
    for (const { title, written, cluster } of cases) {
      const base = withMetadata(written.raw, { finalizers: ["example.com/hold"] });
      expect(deniedUpdate(cluster, base, change(base)), title).toEqual([]);
    }
  });

  test("an update that only changes the order of lists is allowed", () => {
    for (const [seed, { title, written, cluster }] of cases.entries()) {
      expect(deniedUpdate(cluster, written.raw, reordered(written.raw, seed)), title).toEqual([]);
    }
  });

  test("a refusal rests on an error that is provable, and all else is a warning", () => {
    for (const { title, written, cluster } of cases) {
      const { denied } = judge(cluster, { operation: "CREATE", object: written.raw, oldObject: null });
      for (const { severity, scope } of denied) {
        expect([severity, scope !== "absence"], title).toEqual(["error", true]);
      }
    }
  });

  test("what is being deleted is never refused", () => {
    for (const { title, written, cluster } of cases) {
      const going = withMetadata(written.raw, { deletionTimestamp: "2026-01-01T00:00:00Z" });
      expect(deniedUpdate(cluster, mutated(written.raw, [{ at: 0, way: "remove", value: 0 }]), going), title).toEqual(
        [],
      );
      expect(judge(cluster, { operation: "DELETE", object: null, oldObject: written.raw }).denied, title).toEqual([]);
    }
  }, 60_000);
});

describe("of every object with random changes", () => {
  const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });

  test("the same object again, with metadata of its own or with its lists in another order, is allowed", () => {
    fc.assert(
      fc.property(someCase, mutations, fc.nat(), (index, changes, seed) => {
        const chosen = cases[index];
        if (chosen === undefined) return;
        const raw = mutated(chosen.written.raw, changes);
        for (const change of Object.values(HARMLESS))
          expect(deniedUpdate(chosen.cluster, raw, change(raw))).toEqual([]);
        expect(deniedUpdate(chosen.cluster, raw, reordered(raw, seed))).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  test("nothing throws, and what is refused is an error that is provable", () => {
    fc.assert(
      fc.property(someCase, mutations, mutations, (index, changes, more) => {
        const chosen = cases[index];
        if (chosen === undefined) return;
        const [oldObject, object] = [mutated(chosen.written.raw, changes), mutated(chosen.written.raw, more)];
        for (const operation of ["CREATE", "UPDATE"] as const) {
          const { denied } = judge(chosen.cluster, { operation, object, oldObject });
          for (const { severity, scope } of denied) expect([severity, scope !== "absence"]).toEqual(["error", true]);
        }
      }),
      { numRuns: 400 },
    );
  });
});
