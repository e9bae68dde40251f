import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CATALOGUE, definitionOf } from "../../../src/dns/metrics/catalogue.ts";
import { buildInfo, enabledPlugins, reloadVersion } from "../../../src/dns/metrics/facts.ts";

describe("the catalogue", () => {
  test("names metrics as Prometheus asks for: counters end in _total, others do not", () => {
    for (const { name, type, help } of CATALOGUE.values()) {
      expect(name).toMatch(/^(coredns|sluice_dns)_[a-z_]+$/);
      expect(name.endsWith("_total")).toBe(type === "counter");
      expect(help).toMatch(/\.$/);
    }
  });

  test("has rising buckets, and CoreDNS's ends", () => {
    for (const definition of CATALOGUE.values()) {
      if (definition.type !== "histogram") continue;
      expect([...definition.buckets].sort((a, b) => a - b)).toEqual(definition.buckets);
    }
    const bucketsOf = (name: string) => {
      const definition = definitionOf(name);
      return definition.type === "histogram" ? definition.buckets : [];
    };
    expect(bucketsOf("coredns_dns_request_duration_seconds")).toEqual(
      Array.from({ length: 16 }, (_, n) => 0.00025 * 2 ** n),
    );
    expect(bucketsOf("coredns_dns_request_size_bytes")).toContain(8291);
    expect(bucketsOf("coredns_health_request_duration_seconds").at(-1)).toBe(2.5);
  });

  test("has every metric that the resolver's sources name, as what they count in it", () => {
    const texts = globSync("src/dns/**/*.ts").map((file) => readFileSync(file, "utf8"));
    const named = texts.flatMap((text) => [...text.matchAll(/"((?:coredns|sluice_dns)_[a-z_]+)"/g)]);
    const counted = texts.flatMap((text) => [...text.matchAll(/\.(counter|gauge|histogram)\(\s*"([a-z_]+)"/g)]);
    expect(counted.length).toBeGreaterThan(4);
    expect(named.map(([, name = ""]) => name).filter((name) => !CATALOGUE.has(name))).toEqual([]);
    for (const [, type, name = ""] of counted) expect([name, CATALOGUE.get(name)?.type]).toEqual([name, type]);
  });
});

describe("series that say what runs", () => {
  test("are the build and the Corefile", () => {
    expect(buildInfo("1.2.3", "abc", "v24.0.0")).toMatchObject({
      name: "coredns_build_info",
      labels: { goversion: "v24.0.0", revision: "abc", version: "1.2.3" },
      value: 1,
    });
    expect(reloadVersion("00ff")).toMatchObject({
      name: "coredns_reload_version_info",
      labels: { hash: "sha512", value: "00ff" },
      value: 1,
    });
  });

  test("are the directives of each zone of each listener, but for those that only set something up", () => {
    const samples = enabledPlugins([
      { servers: ["dns://:53"], zones: [".", "a."], directives: ["reload", "health", "errors", "forward", "forward"] },
    ]);
    expect(samples.map(({ labels }) => labels)).toEqual([
      { name: "errors", server: "dns://:53", view: "", zone: "." },
      { name: "forward", server: "dns://:53", view: "", zone: "." },
      { name: "errors", server: "dns://:53", view: "", zone: "a." },
      { name: "forward", server: "dns://:53", view: "", zone: "a." },
    ]);
  });
});
