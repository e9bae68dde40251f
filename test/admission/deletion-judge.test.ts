import { describe, expect, test } from "vitest";
import { deletionJudge } from "../../src/admission/deletion-judge.ts";
import { profileJudge } from "../../src/admission/profile-judge.ts";
import type { JudgedChange } from "../../src/admission/validate.ts";
import { NO_CHOICES } from "../../src/lint/lint-profile.ts";
import { rules } from "../../src/lint/rules/index.ts";
import type { Topology } from "../../src/model/topology.ts";
import { topologyOf } from "../support/topology-of.ts";

const ENTRIES = 300;

/** Routes that each lead to a host, and the ServiceEntry that they all need. */
const cluster: Topology = topologyOf(
  [
    `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: all, namespace: g}
spec: {hosts: [api.example.com], resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]}`,
    `apiVersion: v1
kind: Namespace
metadata: {name: quiet, labels: {sluice.dev/lint: "off"}}`,
    ...Array.from(
      { length: ENTRIES },
      (_, at) => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r${at}, namespace: g}
spec:
  parentRefs: [{name: egress}]
  rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, name: api.example.com, port: 443}]}]`,
    ),
  ].join("\n---\n"),
);
const oldObject = cluster.decoded.find(({ object }) => object.kind === "ServiceEntry")?.raw;

const change = (namespace = "g"): JudgedChange => ({
  operation: "DELETE",
  object: null,
  oldObject,
  namespace,
  dryRun: false,
});

function judgeOf({ synced = true, now }: { synced?: boolean; now?: () => number } = {}) {
  const snapshot = { current: () => cluster, synced: () => synced };
  const judge = profileJudge({ rules, profile: "default", choices: () => NO_CHOICES, snapshot });
  return deletionJudge({ snapshot, judge, ...(now === undefined ? {} : { now }) });
}

describe("a deletion", () => {
  test("names every object that loses by it, and refuses nothing", async () => {
    const { denied, warned, inPart, judging } = await judgeOf()(change(), 60_000);
    expect(denied).toEqual([]);
    expect(inPart).toBeUndefined();
    expect(judging?.profile).toBe("default");
    const missing = warned.filter(({ rule }) => rule === "hostname-backend-no-serviceentry");
    expect(missing).toHaveLength(ENTRIES);
    expect(missing[0]?.title).toMatch(/^HTTPRoute g\/r\d+: /);
  });

  test("lets others have their turn while it is looked at", async () => {
    let turns = 0;
    let clock = 0;
    const verdict = judgeOf({ now: () => (clock += 1) })(change(), 1_000_000);
    const other = setInterval(() => turns++, 0);
    await verdict;
    clearInterval(other);
    expect(turns).toBeGreaterThan(1);
  });

  test("tells what was found by then when the time is up", async () => {
    let clock = 0;
    const { warned, inPart } = await judgeOf({ now: () => (clock += 1) })(change(), 100);
    expect(inPart).toBe("deadline");
    expect(warned.length).toBeLessThan(ENTRIES);
  });

  test("says nothing while objects may be missing, or where the namespace wants nothing said", async () => {
    expect(await judgeOf({ synced: false })(change(), 1_000)).toMatchObject({ warned: [], inPart: "cache-cold" });
    expect(await judgeOf()(change("quiet"), 1_000)).toMatchObject({ warned: [], inPart: "off" });
  });
});
