import { describe, expect, test } from "vitest";
import { checkSettled } from "../../src/cli/settled-at-start.ts";
import { loadConfig } from "../../src/config/load.ts";
import { SluiceError } from "../../src/model/errors.ts";
import { serversOf } from "../dns/support/resolver.ts";

const CLUSTER = { kubeconfig: "/etc/own.conf" };
const FILES = { manifests: ["objects"] };

const corefile = (...options: readonly string[]) => `. {\nsluice {\n${options.join("\n")}\n}\nwhoami\n}`;

/** What is refused of the second Corefile, when the first was there at the start. */
function refusal(flags: Parameters<typeof loadConfig>[0], before: string, after: string): string {
  try {
    checkSettled(loadConfig({ upstream: ["127.0.0.1:9"], ...flags }, {}), serversOf(before), serversOf(after));
    return "";
  } catch (error) {
    if (error instanceof SluiceError) return error.message;
    throw error;
  }
}

describe("a Corefile that a reload finds", () => {
  test.each([
    ["another snapshot", FILES, corefile("ttl 5"), corefile("ttl 7", "snapshot /a"), /^Corefile:4 - .*'snapshot'/],
    ["no snapshot any more", FILES, corefile("snapshot /a"), corefile("ttl 5"), /^Corefile:2 - .*'snapshot'/],
    ["the snapshot off", { ...FILES, snapshot: "/a" }, corefile(), corefile("snapshot off"), /^Corefile:3 - /],
    ["sluice, and there are no objects", { manifests: [] }, ". {\nwhoami\n}", corefile(), /^Corefile:2 - .*objects/],
  ])("is refused with %s", (_what, flags, before, after, expected) => {
    expect(refusal(flags, before, after)).toMatch(expected);
  });

  test("is refused with another cluster, and everything that is wrong is said", () => {
    const at = (...options: readonly string[]) => corefile("kubeconfig /etc/own.conf west", ...options);
    const next = corefile("snapshot /a", "kubeconfig /etc/own.conf east");
    expect(refusal(CLUSTER, at(), next).split("\n")).toEqual([
      expect.stringMatching(/^Corefile:3 - .*'snapshot'/),
      expect.stringMatching(/^Corefile:4 - .*'kubeconfig'/),
    ]);
  });

  test.each([
    ["with other gateways", FILES, corefile("snapshot /a"), corefile("snapshot /a", "gateways team=a")],
    ["with the snapshot of the settings", { ...FILES, snapshot: "/a" }, corefile(), corefile("snapshot /a")],
    ["without sluice", FILES, corefile("snapshot /a"), ". {\nwhoami\n}"],
    ["with a cluster where objects are files", FILES, corefile(), corefile("kubeconfig /b")],
    ["with a cluster where the settings name one", CLUSTER, corefile(), corefile("kubeconfig /b")],
  ])("is taken over %s", (_what, flags, before, after) => {
    expect(refusal(flags, before, after)).toBe("");
  });
});
