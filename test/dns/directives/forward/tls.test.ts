import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createForwardBench } from "../../support/forward.ts";
import type { TestUpstream } from "../../support/test-upstream.ts";
import { startTlsFront, type TlsFront } from "../../support/tls-front.ts";

const bench = createForwardBench();
let upstream: TestUpstream;
let front: TlsFront;
let authority: string;

beforeEach(async () => {
  upstream = await bench.upstream();
  front = await startTlsFront("dns.test", upstream.port);
  bench.later(() => front.close());
  const folder = await mkdtemp(join(tmpdir(), "forward-tls-"));
  bench.later(() => rm(folder, { recursive: true }));
  authority = join(folder, "ca.pem");
  await writeFile(authority, front.certificate);
});
afterEach(() => bench.close());

const line = (target: string, ...options: string[]): string => `forward . ${target} {\n${options.join("\n")}\n}`;
const X = ["x.example. 60 A 192.0.2.1"];

describe("an upstream over TLS", () => {
  test.each([
    ["tls_servername", () => line(`tls://127.0.0.1:${front.port}`, `tls ${authority}`, "tls_servername dns.test")],
    ["a name behind the address", () => line(`tls://127.0.0.1:${front.port}%dns.test`, `tls ${authority}`)],
  ])("is trusted by its name in %s", async (_what, corefile) => {
    const { ask } = await bench.forward(corefile());
    expect(await ask("x.example.")).toMatchObject({ answer: X });
  });

  test("gets many questions on one connection", async () => {
    const { ask, count } = await bench.forward(line(`tls://127.0.0.1:${front.port}%dns.test`, `tls ${authority}`));
    await Promise.all([ask("x.example."), ask("y.example.")]);
    await ask("x.example.");
    expect(front.connections()).toBe(1);
    const labels = `{proto="tcp-tls",proxy_name="forward",to="127.0.0.1:${front.port}"}`;
    expect(count(`coredns_proxy_conn_cache_hits_total${labels}`)).toBe(2);
  });

  test("that has closed the connection is asked again on another, at once and without blame", async () => {
    const { ask, count } = await bench.forward(line(`tls://127.0.0.1:${front.port}%dns.test`, `tls ${authority}`), {
      schedule: { attemptsAtMilliseconds: [0, 10_000], giveUpAtMilliseconds: 15_000 },
    });
    await ask("x.example.");
    upstream.silence(true);
    const reply = ask("y.example.");
    await expect.poll(() => upstream.seen.length).toBe(2);
    upstream.silence(false);
    front.hangUp();
    expect(await reply).toMatchObject({ answer: ["y.example. 60 A 192.0.2.2"] });
    expect(count('sluice_dns_upstream_retries_total{reason="stale"}')).toBe(1);
    expect(upstream.seen.filter(({ type }) => type === 2)).toEqual([]);
  });

  test.each([
    ["another name", () => [`tls ${authority}`, "tls_servername other.test"]],
    ["no known authority", () => ["tls_servername dns.test"]],
  ])("with %s is not believed", async (_what, options) => {
    const { answer } = await bench.forward(
      line(`tls://127.0.0.1:${front.port}`, ...options(), "max_connect_attempts 1"),
    );
    expect(await answer("x.example.")).toMatchObject({
      rcode: 2,
      cause: expect.stringMatching(/certificate|altnames/),
    });
    expect(upstream.seen).toEqual([]);
  });

  test("without its certificate file nothing starts", async () => {
    await expect(bench.forward(line("tls://127.0.0.1:853", "tls /no/such/file"))).rejects.toMatchObject({
      code: "SLUICE_INPUT_UNREADABLE",
    });
  });
});
