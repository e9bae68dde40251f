import { describe, expect, test } from "vitest";
import { type Case, mismatches, type Observed, readCases } from "../dns/support/conformance.ts";
import { startTestUpstream } from "../dns/support/test-upstream.ts";
import { corednsMismatches, observeCase } from "./support/case-exchange.ts";
import { readCorednsCases, startCoredns } from "./support/coredns.ts";

const { zones, fixtures, cases } = readCases();

const recorded = readCorednsCases();

/** What these cases show is an option or a rule of Sluice that CoreDNS has nothing like. */
const WITHOUT_COUNTERPART = ["NM-025", "NM-026", "GW-006", "GW-031", "GW-034", "CH-012", "CH-016", "SR-008", "LP-004"];

/** These questions were answered by the Kuadrant plugin, which is no part of CoreDNS. */
const ANSWERED_BY_KUADRANT = [
  ...[
    "QT-001",
    "QT-002",
    "QT-003",
    "QT-004",
    "QT-010",
    "QT-011",
    "QT-013",
    "QT-015",
    "QT-016",
    "QT-017",
    "QT-018",
    "QT-019",
    "QT-020",
    "QT-021",
    "QT-022",
    "QT-024",
    "QT-026",
    "QT-027",
    "QT-028",
    "QT-030",
    "QT-031",
    "QT-032",
    "QT-033",
    "QT-034",
    "QT-035",
  ],
  ...[
    "NM-002",
    "NM-003",
    "NM-005",
    "NM-010",
    "NM-011",
    "NM-012",
    "NM-013",
    "NM-014",
    "NM-021",
    "NM-022",
    "NM-023",
    "NM-030",
  ],
  ...[
    "GW-002",
    "GW-003",
    "GW-004",
    "GW-010",
    "GW-011",
    "GW-012",
    "GW-013",
    "GW-015",
    "GW-016",
    "GW-017",
    "GW-018",
    "GW-020",
    "GW-021",
    "GW-022",
    "GW-025",
    "GW-027",
    "GW-028",
    "GW-029",
    "GW-032",
    "GW-033",
    "GW-035",
    "GW-036",
  ],
  ...[
    "KR-001",
    "KR-002",
    "KR-003",
    "KR-005",
    "KR-006",
    "KR-007",
    "KR-009",
    "KR-010",
    "KR-012",
    "KR-013",
    "KR-016",
    "KR-017",
  ],
  ...["ED-001", "ED-002", "ED-003", "ED-004", "ED-005", "ED-007", "ED-008", "ED-009", "ED-010"],
  ...["TC-004"],
  ...[
    "PR-010",
    "PR-011",
    "PR-012",
    "PR-013",
    "PR-014",
    "PR-016",
    "PR-018",
    "PR-022",
    "PR-024",
    "PR-025",
    "PR-026",
    "PR-027",
    "PR-029",
  ],
  ...["FW-040"],
  ...["CA-005"],
  ...["PL-006"],
  ...["LP-001", "LP-002"],
];

/** Where CoreDNS 1.15 does not do what 1.14.7 did, with the reason. */
const CHANGED_SINCE_1_14: Readonly<Record<string, string>> = {};

const listed = new Set([...WITHOUT_COUNTERPART, ...ANSWERED_BY_KUADRANT, ...Object.keys(CHANGED_SINCE_1_14)]);
const compared = cases.filter(({ id }) => !listed.has(id));
const relationOf = (id: string) => recorded.cases[id]?.relation;

async function observe(one: Case): Promise<Observed> {
  const fixture = fixtures[one.fixture];
  const corefile = recorded.fixtures[one.fixture]?.corefile;
  if (fixture === undefined || corefile === undefined) throw new Error(`no fixture ${one.fixture} for CoreDNS`);
  const upstream = await startTestUpstream({ ...fixture.upstream, zone: zones[fixture.upstream.zone] ?? [] });
  try {
    const server = await startCoredns(corefile, upstream.port);
    return await observeCase(one, server.port, upstream).finally(server.close);
  } finally {
    await upstream.close();
  }
}

const titled = (relation: "same" | "differs") =>
  compared.filter(({ id }) => relationOf(id) === relation).map((one) => [one.id, one.title, one] as const);

test("every case is compared or listed with the reason why not", () => {
  expect(cases).toHaveLength(222);
  expect(compared.length + listed.size).toBe(222);
  expect([...listed].filter((id) => !cases.some((one) => one.id === id))).toEqual([]);
  expect(compared.filter(({ id }) => relationOf(id) === "n/a")).toEqual([]);
});

test("the cases listed as Kuadrant's are about its zones", () => {
  const asksIt = ({ fixture, query: { name } }: Case): boolean =>
    (recorded.fixtures[fixture]?.kuadrantZones ?? []).some((zone) => `.${name?.toLowerCase()}`.endsWith(`.${zone}`));
  const strangers = cases.filter((one) => ANSWERED_BY_KUADRANT.includes(one.id) && one.query.name && !asksIt(one));
  expect(strangers.map(({ id }) => id)).toEqual([]);
});

describe("a real CoreDNS does what is expected of us", () => {
  test.concurrent.each(titled("same"))("%s: %s", async (_id, _title, one) => {
    expect(mismatches(one.expected, await observe(one))).toEqual([]);
  });
});

describe("a real CoreDNS differs as recorded", () => {
  test.concurrent.each(titled("differs"))("%s: %s", async (id, _title, one) => {
    const observed = await observe(one);
    expect(mismatches(one.expected, observed)).not.toEqual([]);
    expect(corednsMismatches(recorded.cases[id]?.expected ?? {}, observed)).toEqual([]);
  });
});
