import { describe, expect, test } from "vitest";
import { readProfileData, startProfile } from "../../src/cli/serve-profile.ts";
import { rule } from "../../src/lint/rules/egress-open-attachment.ts";
import type { Log } from "../../src/observe/log.ts";
import { recordedLog } from "../sources/recorded-log.ts";

const ID = rule.id;
const yaml = (text: string) => ({ "profile.yaml": text });

/** A profile whose ConfigMap the test writes. */
function setUp() {
  const log = recordedLog();
  let write: (data: Readonly<Record<string, string>> | undefined) => void = () => undefined;
  const closed: string[] = [];
  const profile = startProfile(
    {
      followConfigMap: (name, onData) => {
        write = onData;
        return { close: async () => void closed.push(name) };
      },
    },
    log as unknown as Log,
  );
  const metrics = () =>
    Object.fromEntries(
      profile.samples().map(({ name, labels, value }) => [[name, ...Object.values(labels)].join(" "), value]),
    );
  const inForce = () => [profile.current().profile, [...profile.current().levels].join()];
  return {
    profile,
    lines: log.lines,
    closed,
    metrics,
    inForce,
    write: (text: string | undefined) => write(text === undefined ? text : yaml(text)),
  };
}

describe("the profile", () => {
  test("is the newest ConfigMap that can be used; one that cannot is told, counted, and changes nothing", async () => {
    const { profile, lines, closed, metrics, inForce, write } = setUp();
    expect(inForce()).toEqual([undefined, ""]);
    write(`lint: {profile: hard}`);
    expect(inForce()).toEqual([undefined, ""]);
    write(`lint: {profile: strict, rules: {${ID}: off}}`);
    expect(inForce()).toEqual(["strict", `${ID},off`]);
    write("lint: [");
    expect(inForce()).toEqual(["strict", `${ID},off`]);
    expect(metrics()).toEqual({
      "sluice_profile_loads_total accepted": 1,
      "sluice_profile_loads_total rejected": 2,
      sluice_profile_current: 0,
    });
    expect(JSON.stringify(lines)).toContain("`lint.profile` must be default or strict");
    write("lint: {}");
    expect(inForce()).toEqual([undefined, ""]);
    expect(metrics()["sluice_profile_current"]).toBe(1);
    await profile.close();
    expect(closed).toEqual(["sluice-profile"]);
  });

  test("is that of the process when the ConfigMap is deleted", () => {
    const { inForce, write } = setUp();
    write("lint: {profile: strict}");
    write(undefined);
    expect(inForce()).toEqual([undefined, ""]);
  });

  test("is not there without a cluster, and neither are its metrics", () => {
    const profile = startProfile({}, recordedLog() as unknown as Log);
    expect([profile.samples(), profile.current().namespaces]).toEqual([[], []]);
  });
});

describe("the text of a profile is refused", () => {
  test.each([
    ["with another key", { "profile.yml": "lint: {}" }, "key `profile.yml` is not known"],
    ["when it is no YAML", yaml("lint: {"), "profile.yaml:"],
    ["when a key is written twice", yaml("lint:\n  profile: strict\n  profile: default\n"), "written twice"],
    ["with two documents", yaml("lint: {}\n---\nlint: {}"), "more than one YAML document"],
    ["when it is a list", yaml("- lint"), "must be a map"],
  ])("%s", (_title, data, problem) => {
    const read = readProfileData(data as Readonly<Record<string, string>>);
    expect(read.ok ? "" : read.problems.join("; ")).toContain(problem);
  });

  test("however large or deep it is, without a crash", () => {
    for (const text of ["[".repeat(100_000), "a: &a [*a]", `lint: ${"x".repeat(5_000_000)}`]) {
      expect(readProfileData(yaml(text)).ok).toBe(false);
    }
  });
});
