import { join } from "node:path";
import { until } from "../wait.ts";
import type { Child, Children } from "./children.ts";

export type Etcd = {
  readonly url: string;
  /**
   * Writes unrelated keys and forgets every revision before them: whoever resumes a watch at a revision seen before
   * gets 410 Gone, as after a compaction in a busy cluster.
   */
  compact(): Promise<void>;
};

/** Enough that the newest revision that a client knows is among the forgotten ones. */
const UNRELATED_WRITES = 3;

export async function startEtcd(
  children: Children,
  binary: string,
  ports: readonly [client: number, peer: number],
): Promise<Etcd> {
  const [url, peerUrl] = ports.map((port) => `http://127.0.0.1:${port}`) as [string, string];
  const child = children.start("etcd", binary, [
    ...["--name", "default", "--data-dir", join(children.folder, "etcd"), "--unsafe-no-fsync", "--log-level", "warn"],
    ...["--listen-client-urls", url, "--advertise-client-urls", url],
    ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
    ...["--initial-cluster", `default=${peerUrl}`],
  ]);
  await untilHealthy(child, `${url}/health`);
  return { url, compact: () => compact(url) };
}

async function untilHealthy(child: Child, url: string): Promise<void> {
  const ready = await until("etcd is healthy", async () => {
    if (!child.alive()) return "ended";
    return (await fetch(url)).ok ? "healthy" : undefined;
  });
  if (ready === "ended") throw new Error(`etcd ended at once:\n${await child.logTail()}`);
}

/** etcd's JSON gateway. Keys and values are base64; revisions travel as strings. */
async function call(url: string, body: object): Promise<{ readonly header?: { readonly revision: string } }> {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as { header?: { revision: string } };
}

async function compact(url: string): Promise<void> {
  const unrelated = { key: btoa("sluice-test"), value: btoa("x") };
  let revision: string | undefined;
  for (let written = 0; written < UNRELATED_WRITES; written += 1)
    revision = (await call(`${url}/v3/kv/put`, unrelated)).header?.revision;
  await call(`${url}/v3/kv/compaction`, { revision, physical: true });
}
