import { describe, expect, test } from "vitest";
import { settledJudge } from "../../src/admission/settled-judge.ts";
import type { JudgedChange } from "../../src/admission/validate.ts";
import type { AdmissionVerdict } from "../../src/lint/change.ts";
import type { Finding, FindingScope } from "../../src/model/finding.ts";
import type { Topology } from "../../src/model/topology.ts";
import { topologyOf } from "../support/topology-of.ts";

const finding = (scope: FindingScope): Finding => ({
  rule: "r",
  severity: "error",
  scope,
  title: "t",
  message: "m",
  hint: "h",
  object: { apiVersion: "v1", kind: "Pod", namespace: "a", name: "b" },
  path: [],
});
const NOTHING: AdmissionVerdict = { denied: [], warned: [], exempted: [], unknownKind: false };
const DENIED: AdmissionVerdict = { ...NOTHING, denied: [finding("conflict")] };

const before = topologyOf("");
const after = topologyOf("");
const change = (operation: JudgedChange["operation"] = "CREATE"): JudgedChange => ({
  operation,
  object: {},
  oldObject: null,
  namespace: "a",
  dryRun: false,
});

/** A picture that the test replaces, and a judge whose verdict depends on which one it sees. */
function setUp(
  verdicts: ReadonlyMap<Topology, AdmissionVerdict>,
  waits = { denialWaitMs: 10_000, warningWaitMs: 10_000 },
) {
  const listeners = new Set<(topology: Topology) => void>();
  const judged: Topology[] = [];
  const judge = settledJudge({
    snapshot: {
      current: () => before,
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    judge: (_change, topology) => {
      judged.push(topology);
      return verdicts.get(topology) ?? NOTHING;
    },
    ...waits,
  });
  const arrive = (topology: Topology): void => {
    for (const tell of [...listeners]) tell(topology);
  };
  return { judge, judged, listeners, arrive };
}

describe("a verdict that rests on other objects", () => {
  test("is taken back when the picture catches up in time", async () => {
    const { judge, listeners, arrive } = setUp(new Map([[before, DENIED]]));
    const verdict = judge(change(), 10_000);
    arrive(after);
    expect(await verdict).toEqual(NOTHING);
    expect(listeners.size).toBe(0);
  });

  test("stands when the newer picture says the same, once the time is up", async () => {
    const verdicts = new Map([before, after].map((topology) => [topology, DENIED] as const));
    const { judge, judged, listeners, arrive } = setUp(verdicts, { denialWaitMs: 30, warningWaitMs: 30 });
    const verdict = judge(change(), 10_000);
    arrive(after);
    expect(await verdict).toEqual(DENIED);
    expect(judged).toEqual([before, after]);
    expect(listeners.size).toBe(0);
  });

  test("waits for a warning too", async () => {
    const { judge, arrive } = setUp(new Map([[before, { ...NOTHING, warned: [finding("absence")] }]]));
    const verdict = judge(change(), 10_000);
    arrive(after);
    expect(await verdict).toEqual(NOTHING);
  });
});

test("no longer is waited than half of what the API server leaves", async () => {
  const { judge, listeners } = setUp(new Map([[before, DENIED]]));
  const started = performance.now();
  expect(await judge(change(), 100)).toEqual(DENIED);
  expect(performance.now() - started).toBeLessThan(100);
  expect(listeners.size).toBe(0);
});

describe("at once is answered", () => {
  test.each([
    ["what the object alone proves", "CREATE", { ...NOTHING, denied: [finding("object"), finding("conflict")] }],
    ["what is fine", "CREATE", NOTHING],
  ] as const)("%s", (_title, operation, expected) => {
    const { judge, listeners } = setUp(new Map([[before, expected]]));
    expect(judge(change(operation), 10_000)).toEqual(expected);
    expect(listeners.size).toBe(0);
  });
});
