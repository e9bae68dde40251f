import { expect, test } from "vitest";
import { egressChangeLog } from "../../src/cli/egress-changes.ts";
import type { EgressHostname } from "../../src/model/egress.ts";

const gateway = (name: string) => ({ apiVersion: "v1", kind: "Gateway", namespace: "g", name });

const name = (hostname: string, addresses: readonly string[], losers: readonly string[] = []): EgressHostname => ({
  hostname,
  gateway: gateway("egress"),
  listener: "l",
  state: addresses.length > 0 ? { status: "ready", addresses } : { status: "closed", reason: "no address" },
  losers: losers.map(gateway),
});

test("each change is told once: steered, moved, closed, contested, forwarded again", () => {
  const lines: string[] = [];
  const write = (fields: object, message: string) => lines.push(`${message} ${JSON.stringify(fields)}`);
  const report = egressChangeLog({ info: write as never, warn: write as never });
  const told = (names: readonly EgressHostname[]): readonly string[] => {
    lines.length = 0;
    report(names);
    return lines.map((line) => line.replace(/ \{.*/, ""));
  };
  expect(told([name("a.example", ["10.0.0.1"])])).toEqual(["egress hostname is steered"]);
  expect(told([name("a.example", ["10.0.0.1"])])).toEqual([]);
  expect(told([name("a.example", ["10.0.0.2"])])).toEqual(["egress hostname is steered"]);
  expect(told([name("a.example", [])])).toEqual(["egress hostname is closed: it answers SERVFAIL"]);
  expect(told([name("a.example", [], ["other"]), name("b.example", ["10.0.0.1"], ["other"])])).toEqual([
    "egress hostname is closed: it answers SERVFAIL",
    "several gateways claim one egress hostname",
    "egress hostname is steered",
    "several gateways claim one egress hostname",
  ]);
  expect(told([])).toEqual(["egress hostnames are no longer claimed: they are forwarded"]);
});
