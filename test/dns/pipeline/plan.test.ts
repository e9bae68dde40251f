import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { makePlan } from "../../../src/dns/pipeline/plan.ts";
import { serversOf, startTestResolver } from "../support/resolver.ts";

const listenersOf = (corefile: string, override?: Parameters<typeof makePlan>[1]) =>
  makePlan(serversOf(corefile), override).listeners.map(({ label, zones }) => [label, zones.map(([zone]) => zone)]);

describe("bind", () => {
  test("each address is a listener of its own, shared by all blocks that name it and a port", () => {
    const corefile =
      "a.test:5301 b.test:5302 {\nbind 127.0.0.1 ::1\nwhoami\n}\nc.test:5301 {\nbind 127.0.0.1\nwhoami\n}\n.:5301 {\nwhoami\n}";
    expect(listenersOf(corefile)).toEqual([
      ["dns://127.0.0.1:5301", ["a.test.", "c.test."]],
      ["dns://[::1]:5301", ["a.test."]],
      ["dns://127.0.0.1:5302", ["b.test."]],
      ["dns://[::1]:5302", ["b.test."]],
      ["dns://:5301", ["."]],
    ]);
  });

  test("an interface stands for its addresses, and except takes some away", () => {
    const [[name, addresses = []] = [""]] = Object.entries(networkInterfaces());
    const [first, ...others] = addresses.map(({ address }) => address).filter((one) => !one.startsWith("fe80:"));
    const bind = (except: string): string => `.:5301 {\nbind ${name} 127.0.0.9 {\nexcept ${except}\n}\nwhoami\n}`;
    const rest = [...others, "127.0.0.9"].map((host) => `dns://${host.includes(":") ? `[${host}]` : host}:5301`);
    expect(listenersOf(bind(first ?? "")).map(([label]) => label)).toEqual(rest);
    expect(listenersOf(bind(name)).map(([label]) => label)).toEqual(["dns://127.0.0.9:5301"]);
  });

  test("a block that is left without an address is an error, beside one that has some", () => {
    const corefile = ".:5301 {\nbind 127.0.0.1 {\nexcept 127.0.0.1\n}\nwhoami\n}\na.test:5302 {\nwhoami\n}";
    expect(() => listenersOf(corefile)).toThrow("the server block of . listens nowhere");
  });

  test("an interface that the machine does not have is named, and no obstacle where another address is given", async () => {
    const corefile = ".:5301 {\nbind nosuch0\nwhoami\n}";
    await expect(startTestResolver([], { corefile, listen: "corefile" })).rejects.toThrow(
      "cannot listen on nosuch0:5301 for DNS: this machine has no interface 'nosuch0'",
    );
    const resolver = await startTestResolver([], { corefile });
    await resolver.close();
    expect(resolver.port).toBeGreaterThan(0);
  });
});
