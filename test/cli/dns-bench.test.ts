import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestUpstream, type TestUpstream } from "../dns/support/test-upstream.ts";
import { runSluice } from "../support/run-sluice.ts";

let server: TestUpstream;
let folder: string;

beforeAll(async () => {
  server = await startTestUpstream({
    zone: ["example.org. 300 A 192.0.2.1", "example.net. 300 AAAA 2001:db8::1"],
    behaviours: {
      "silent.example.": { drop: true },
      "refused.example.": { rcode: "REFUSED" },
      "slow.example.": { delay: 0.06 },
    },
  });
  folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

type Report = {
  readonly sent: number;
  readonly answered: number;
  readonly lost: number;
  readonly lostPercent: number;
  readonly rcodes: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly latencyMilliseconds: Readonly<Record<"p50" | "p90" | "p99" | "p999" | "max", number>>;
};

async function bench(...args: readonly string[]): Promise<{ readonly exitCode: number; readonly report: Report }> {
  const run = await runSluice(["dns", "bench", `127.0.0.1:${server.port}`, "--format", "json", ...args]);
  return { exitCode: run.exitCode, report: JSON.parse(run.stdout) as Report };
}

const SHORT = ["--seconds", "0.2", "--clients", "3", "--outstanding", "10"];

describe("dns bench", () => {
  test("counts every question as answered or lost, and exits 0 when none was lost", async () => {
    const before = server.seen.length;
    const { exitCode, report } = await bench("--name", "example.org", ...SHORT);
    expect(exitCode).toBe(0);
    expect(report.sent).toBeGreaterThan(10);
    expect(report).toMatchObject({ answered: report.sent, lost: 0, rcodes: { NOERROR: report.sent } });
    expect(server.seen.length - before).toBe(report.sent);
    const { p50, p90, p99, p999, max } = report.latencyMilliseconds;
    expect([p50, p90, p99, p999, max]).toEqual([p50, p90, p99, p999, max].toSorted((a, b) => a - b));
  });

  test("asks over TCP when told, on as many connections as it has clients", async () => {
    const before = server.seen.length;
    const { report } = await bench("--name", "example.org", "--tcp", ...SHORT);
    const seen = server.seen.slice(before);
    expect(report).toMatchObject({ lost: 0, answered: seen.length });
    expect(new Set(seen.map(({ proto }) => proto))).toEqual(new Set(["tcp"]));
    expect(new Set(seen.map(({ sourcePort }) => sourcePort)).size).toBe(3);
  });

  test("exits 1 when more is lost than allowed", async () => {
    const args = ["--name", "silent.example", "--name", "example.org", "--timeout", "100ms", ...SHORT];
    const { exitCode, report } = await bench(...args);
    expect(exitCode).toBe(1);
    expect(report.lost).toBeGreaterThan(0);
    expect(report.answered + report.lost).toBe(report.sent);
    expect((await bench(...args, "--max-loss", "100")).exitCode).toBe(0);
  });

  test("sends at the rate that is asked for", async () => {
    const { exitCode, report } = await bench("--name", "example.org", "--rate", "200", "--seconds", "0.5");
    expect([exitCode, report.sent, report.lost]).toEqual([0, 100, 0]);
    expect(report.seconds).toBeGreaterThan(0.4);
  });

  test("counts a late question from when it was due, so that a stall shows in the latencies", async () => {
    // One question under way at a time, each answered after 60 ms: the last of 20 in 0.2 s waits for all others.
    const args = ["--rate", "100", "--seconds", "0.2", "--clients", "1", "--outstanding", "1", "--timeout", "2s"];
    const { report } = await bench("--name", "slow.example", ...args);
    expect([report.sent, report.lost]).toEqual([20, 0]);
    expect(report.latencyMilliseconds.max).toBeGreaterThan(600);
  });

  test("counts as lost what a fixed rate could not send", async () => {
    const args = ["--rate", "100", "--seconds", "0.2", "--clients", "1", "--outstanding", "1", "--timeout", "100ms"];
    const { exitCode, report } = await bench("--name", "silent.example", ...args);
    expect(report.answered).toBe(0);
    expect([exitCode, report.lost]).toEqual([1, 20]);
  });

  test("shows the response codes", async () => {
    const { report } = await bench("--name", "refused.example", ...SHORT);
    expect(Object.keys(report.rcodes)).toEqual(["REFUSED"]);
  });

  test("asks for unique names below the given one with --random-prefix", async () => {
    const before = server.seen.length;
    const { report } = await bench("--name", "example.org", "--random-prefix", ...SHORT);
    const names = server.seen.slice(before).map(({ name }) => name);
    expect(new Set(names).size).toBe(report.sent);
    expect(names.every((name) => /^b[a-z0-9]{13}\.example\.org\.$/.test(name))).toBe(true);
  });

  test("asks for the names and types of a file in turn", async () => {
    const file = join(folder, "names");
    writeFileSync(file, "# ours\nexample.org A\n\nexample.net aaaa\nexample.org\n");
    const before = server.seen.length;
    await bench("--file", file, "--type", "TXT", ...SHORT, "--clients", "1", "--outstanding", "1");
    const asked = server.seen.slice(before, before + 4).map(({ name, type }) => `${name} ${type}`);
    expect(asked).toEqual(["example.org. 1", "example.net. 28", "example.org. 16", "example.org. 1"]);
  });

  test("asks again on a new connection what a server left open when it closed", async () => {
    let connections = 0;
    const sockets: Socket[] = [];
    const closing = createServer((socket) => {
      sockets.push(socket);
      const first = ++connections === 1;
      socket.on("error", () => undefined);
      socket.on("data", (chunk) => {
        if (first) socket.end();
        else socket.write(answersTo(chunk));
      });
    });
    await new Promise<void>((resolve) => closing.listen(0, "127.0.0.1", resolve));
    const { port } = closing.address() as { readonly port: number };
    const run = await runSluice([
      ...["dns", "bench", `127.0.0.1:${port}`, "--name", "example.org", "--tcp", "--format", "json"],
      ...["--seconds", "0.2", "--clients", "1", "--outstanding", "5"],
    ]);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => closing.close(resolve));
    expect(JSON.parse(run.stdout)).toMatchObject({ lost: 0 });
    expect([run.exitCode, connections]).toEqual([0, 2]);
  });

  test("prints a table for people", async () => {
    const run = await runSluice(["dns", "bench", `127.0.0.1:${server.port}`, "--name", "example.org", ...SHORT]);
    expect(run.stdout).toMatch(/^sent +\d+\nanswered +\d+ \(NOERROR \d+\)\nlost +0 \(0 %\)\n/m);
    expect(run.stdout).toMatch(/^latency +p50 [\d.]+ {2}p90 [\d.]+ {2}p99 [\d.]+ {2}p99\.9 [\d.]+ {2}max [\d.]+ ms$/m);
    expect(run.stderr).toBe("");
  });
});

/** Each framed question of a chunk, made an answer. The bench sends no more at once than a segment holds. */
function answersTo(chunk: Buffer): Buffer {
  const out = Buffer.from(chunk);
  for (let at = 0; at + 2 < out.length; at += 2 + out.readUInt16BE(at)) out[at + 4] = (out[at + 4] as number) | 0x80;
  return out;
}

describe("dns bench refuses", () => {
  test.each([
    ["an address of others", ["192.0.2.1", "--name", "a"], "is neither loopback nor private"],
    ["a name as a server", ["dns.example", "--name", "a"], "is no address of a server"],
    ["to ask nothing", ["127.0.0.1"], "nothing to ask for"],
    ["a type that is none", ["127.0.0.1", "--name", "a", "--type", "NOPE"], "is no record type"],
    ["a name that is none", ["127.0.0.1", "--name", "a..b"], "is no domain name"],
    ["a file that is not there", ["127.0.0.1", "--file", "/nonexistent"], "SLUICE_INPUT_UNREADABLE"],
    ["no clients", ["127.0.0.1", "--name", "a", "--clients", "0"], "It must be a number from 1 to 1000"],
    ["half a client", ["127.0.0.1", "--name", "a", "--clients", "1.5"], "It must be a whole number"],
    ["a timeout without a unit", ["127.0.0.1", "--name", "a", "--timeout", "2"], "It must be a time such as 2s"],
  ])("%s", async (_title, args, expected) => {
    const run = await runSluice(["dns", "bench", ...args]);
    expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining(expected)]);
  });
});
