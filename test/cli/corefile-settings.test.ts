import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clusterOf } from "../../src/cli/chosen-cluster.ts";
import { workersOf } from "../../src/cli/serve-dns.ts";
import { serversOf } from "../dns/support/resolver.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-settings-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("the cluster that objects are read from", () => {
  const origin = async (option: string, kubeconfig?: string) => {
    const corefile = join(folder, "Corefile");
    await writeFile(corefile, `. {\nsluice {\n${option}\n}\nforward . 10.96.0.10\n}`);
    return clusterOf({ corefile, roles: ["dns"], ...(kubeconfig !== undefined && { kubeconfig }) });
  };

  test("is the one that the Corefile names, with its context", async () => {
    expect(await origin("kubeconfig /etc/kube.conf")).toEqual({ path: "/etc/kube.conf" });
    expect(await origin("kubeconfig /etc/kube.conf west")).toEqual({ path: "/etc/kube.conf", context: "west" });
  });

  test("is the one of the settings where they name another", async () => {
    expect(await origin("kubeconfig /etc/kube.conf west", "/other")).toEqual({ path: "/other" });
    expect(await origin("kubeconfig /etc/kube.conf west", "/etc/kube.conf")).toEqual({
      path: "/etc/kube.conf",
      context: "west",
    });
  });

  test("is the pod's own where nobody names one, and where the process resolves nothing", async () => {
    expect(await origin("ttl 5")).toEqual({ inCluster: true });
    expect(clusterOf({ corefile: join(folder, "Corefile"), roles: ["admission"] })).toEqual({ inCluster: true });
  });
});

describe("the number of worker threads", () => {
  const corefile = (...lines: readonly string[]) => ({
    servers: serversOf(lines.map((line, index) => `.:530${index} {\n${line}\nwhoami\n}`).join("\n")),
  });

  test("is what multisocket says, the most of several", () => {
    expect(workersOf({}, corefile("multisocket 3"))).toBe(3);
    expect(workersOf({}, corefile("multisocket 2", "multisocket 7", ""))).toBe(7);
  });

  test("is what the settings say whatever the Corefile says", () => {
    expect(workersOf({ dnsWorkers: 1 }, corefile("multisocket 3"))).toBe(1);
  });

  test("is one for each core, at most four, where nobody says", () => {
    const chosen = workersOf({}, corefile("multisocket"));
    expect(chosen).toBe(workersOf({}, corefile("")));
    expect([1, 2, 3, 4]).toContain(chosen);
  });
});
