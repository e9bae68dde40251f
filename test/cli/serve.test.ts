import { createSocket } from "node:dgram";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import dnsPacket from "dns-packet";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FREE_PORTS, type SpawnedSluice, spawnSluice } from "../support/spawn-sluice.ts";

let folder: string;
let running: SpawnedSluice[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-serve-"));
  await cp("manifests/examples/openai", join(folder, "manifests"), { recursive: true });
});
afterEach(async () => {
  for (const sluice of running) await sluice.stop("SIGKILL");
  running = [];
  await rm(folder, { recursive: true });
});

const UPSTREAM_ADDRESS = "203.0.113.7";

/** A resolver of the outside world that knows one answer for every name. */
async function startUpstream(): Promise<{ readonly port: number; readonly asked: string[]; close(): void }> {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (message, from) => {
    const query = dnsPacket.decode(message);
    const name = query.questions?.[0]?.name ?? "";
    asked.push(name);
    const answer = dnsPacket.encode({
      type: "response",
      ...(query.id === undefined ? {} : { id: query.id }),
      flags: dnsPacket.RECURSION_AVAILABLE | dnsPacket.RECURSION_DESIRED,
      questions: query.questions ?? [],
      answers: [{ type: "A", name, ttl: 60, data: UPSTREAM_ADDRESS }],
    });
    socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return { port: socket.address().port, asked, close: () => socket.close() };
}

function start(args: readonly string[], env: Record<string, string> = {}): SpawnedSluice {
  const sluice = spawnSluice(["serve", ...args], env);
  running.push(sluice);
  return sluice;
}

const serving = (upstream: number): readonly string[] => [
  ...["--manifests", join(folder, "manifests"), "--certs-dir", join(folder, "certs"), "--dns-workers", "1"],
  ...["--gateway-address", "gateway-system/egress=10.96.0.50", "--upstream", `127.0.0.1:${upstream}`, ...FREE_PORTS],
];

async function ask(port: number, name: string, type: "A" | "AAAA" = "A"): Promise<dnsPacket.DecodedPacket> {
  const socket = createSocket("udp4");
  const reply = new Promise<Buffer>((resolve) => socket.once("message", resolve));
  socket.send(
    dnsPacket.encode({ type: "query", id: 7, flags: dnsPacket.RECURSION_DESIRED, questions: [{ type, name }] }),
    port,
    "127.0.0.1",
  );
  const answer = dnsPacket.decode(await reply);
  socket.close();
  return answer;
}

const addressesOf = ({ answers = [] }: dnsPacket.DecodedPacket): readonly unknown[] =>
  answers.map((answer) => ("data" in answer ? answer.data : undefined));

describe("serve with manifests", () => {
  test("answers egress names with the gateway, forwards others, follows an edit, and ends cleanly", async () => {
    const upstream = await startUpstream();
    const sluice = start(serving(upstream.port));
    const { port } = (await sluice.logged("resolver is listening")) as unknown as { port: number };
    await sluice.logged("serving");

    expect(addressesOf(await ask(port, "api.openai.com"))).toEqual(["10.96.0.50"]);
    expect(addressesOf(await ask(port, "api.openai.com", "AAAA"))).toEqual([]);
    expect(addressesOf(await ask(port, "example.org"))).toEqual([UPSTREAM_ADDRESS]);
    expect(upstream.asked.filter((name) => name.includes("openai"))).toEqual([]);

    const file = join(folder, "manifests", "gateway.yaml");
    await writeFile(file, (await readFile(file, "utf8")).replaceAll("api.openai.com", "api.example.net"));
    await expect
      .poll(async () => addressesOf(await ask(port, "api.example.net")), { timeout: 5000 })
      .toEqual(["10.96.0.50"]);

    expect(await sluice.stop()).toBe(0);
    expect(sluice.text()).not.toMatch(/\n\s+at /);
    upstream.close();
  });

  test("keeps the last good objects when an edit cannot be read, and says where", async () => {
    const upstream = await startUpstream();
    const sluice = start(serving(upstream.port));
    const { port } = (await sluice.logged("resolver is listening")) as unknown as { port: number };
    await sluice.logged("serving");
    await writeFile(join(folder, "manifests", "gateway.yaml"), "kind: Gateway\n  metadata: [");
    await expect.poll(() => sluice.text(), { timeout: 5000 }).toContain("gateway.yaml:2:");
    expect(addressesOf(await ask(port, "api.openai.com"))).toEqual(["10.96.0.50"]);
    expect(await sluice.stop()).toBe(0);
    upstream.close();
  });
});

describe("serve refuses to start, with one clear message,", () => {
  const refused = async (args: readonly string[], env: Record<string, string> = {}): Promise<string> => {
    const sluice = start(args, env);
    const { code } = await sluice.exited;
    expect(code).toBe(2);
    expect(sluice.text()).not.toMatch(/\n\s+at /);
    return sluice.text();
  };

  test("when a port is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const text = await refused([...serving(9), "--admission-listen", `127.0.0.1:${port}`]);
    expect(text).toContain("error SLUICE_LISTEN_FAILED");
    expect(text).toContain(`127.0.0.1:${port}`);
    other.close();
  });

  test.each([
    ["nothing is given", [], "nothing to read objects from"],
    ["a file is missing", ["--manifests", "/nonexistent.yaml", "--upstream", "127.0.0.1:9"], "/nonexistent.yaml"],
    ["the kubeconfig is missing", ["--kubeconfig", "/nonexistent"], "kubeconfig /nonexistent cannot be read"],
    ["a flag is unknown", ["--manifest", "x"], "Did you mean --manifests?"],
    [
      "the gateway is unknown",
      [
        "--manifests",
        "manifests/examples/openai",
        "--gateway-address",
        "no/such=10.0.0.1",
        "--upstream",
        "127.0.0.1:9",
      ],
      "no/such",
    ],
  ])("when %s", async (_title, args, expected) => {
    expect(await refused([...FREE_PORTS, ...args])).toContain(expected);
  });

  test("when a variable is misspelt", async () => {
    expect(await refused(serving(9), { SLUICE_LOGLEVEL: "debug" })).toContain("`SLUICE_LOGLEVEL` is no setting");
  });
});

test("an API server that cannot be reached is said to be, and the resolver answers what is safe meanwhile", async () => {
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1" } }],
      users: [{ name: "u", user: { token: "secret-token" } }],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      "current-context": "c",
    }),
  );
  const upstream = await startUpstream();
  const sluice = start([
    ...["--kubeconfig", kubeconfig, "--roles", "dns", "--upstream", `127.0.0.1:${upstream.port}`, "--dns-workers", "1"],
    ...FREE_PORTS,
  ]);
  const { port } = (await sluice.logged("resolver is listening")) as unknown as { port: number };
  expect(await ask(port, "api.openai.com")).toMatchObject({ rcode: "SERVFAIL" });
  expect(addressesOf(await ask(port, "kubernetes.default.svc.cluster.local"))).toEqual([UPSTREAM_ADDRESS]);
  expect(await sluice.stop()).toBe(0);
  expect(sluice.text()).toContain("127.0.0.1:1");
  expect(sluice.text()).not.toContain("secret-token");
  upstream.close();
});
