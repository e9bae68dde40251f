import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCommand } from "../../src/cli/program.ts";
import { type PeerRequest, sendJson, startPeer } from "../sources/cluster/api-peer.ts";

/** To the start of the line, and nothing behind it. */
const OVERWRITE = "\r\u001b[K";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-lint-peer-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** `lint --cluster` on an API server that answers as the function says; stderr may be a terminal. */
async function lint(answer: (request: PeerRequest) => void, isTTY = false) {
  const peer = await startPeer(answer);
  const kubeconfig = join(folder, "kubeconfig");
  const config = {
    clusters: [{ name: "c", cluster: { server: peer.address } }],
    users: [{ name: "u", user: {} }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const output = { stdout: "", stderr: "" };
  const collect = (name: keyof typeof output) =>
    new Writable({
      write(chunk, _encoding, done) {
        output[name] += String(chunk);
        done();
      },
    });
  const terminal = {
    stdout: collect("stdout"),
    stderr: Object.assign(collect("stderr"), { isTTY }),
    stdin: Readable.from([""]),
  };
  const args = ["lint", "--no-config", "--cluster", "--kubeconfig", kubeconfig];
  const exitCode = await runCommand(args, { terminal, workerUrl: new URL("../../src/main.ts", import.meta.url) });
  return { exitCode, ...output, requests: peer.requests };
}

const absent = ({ response }: PeerRequest): unknown => sendJson(response, 404, { message: "not found" });
const empty = ({ response }: PeerRequest): unknown =>
  sendJson(response, 200, { metadata: { resourceVersion: "1" }, items: [] });

describe("lint --cluster", () => {
  test("passes over kinds that are not installed", async () => {
    const run = await lint((request) => (request.path.startsWith("/api/") ? empty(request) : absent(request)));
    expect([run.exitCode, run.stdout]).toEqual([0, "0 errors, 0 warnings in 0 objects of a cluster\n"]);
    expect(run.stderr).not.toContain("could not be listed");
  });

  test("never asks for Secrets", async () => {
    const { requests } = await lint(empty);
    expect(requests.map(({ path }) => path)).toContain("/apis/kuadrant.io/v1/authpolicies");
    expect(requests.map(({ path }) => path).filter((path) => path.includes("secrets"))).toEqual([]);
  });

  test("tells a terminal how far it is once that takes long, and leaves nothing behind", async () => {
    const late = (request: PeerRequest): void => void setTimeout(() => empty(request), 70);
    const run = await lint(late, true);
    expect(run.stderr).toContain(`${OVERWRITE}reading the cluster: `);
    expect(run.stderr).toMatch(/: [A-Z]\w+, \d+ of \d+ lists, 0 objects/);
    expect(run.stderr.endsWith(OVERWRITE)).toBe(true);
    expect((await lint(late)).stderr).toBe("");
  });

  test("says that nobody answers", async () => {
    const run = await lint(({ socket }) => socket.destroy());
    expect([run.exitCode, run.stdout]).toEqual([2, ""]);
    expect(run.stderr).toMatch(/SLUICE_CLUSTER_UNREACHABLE: the API server http:\S+ does not answer/);
  });

  test("goes on when one kind fails, and says so", async () => {
    const run = await lint((request) =>
      request.path.endsWith("/pods") ? sendJson(request.response, 500, { message: "broken" }) : empty(request),
    );
    expect(run.stderr).toContain("warning: Pod could not be listed: broken (HTTP 500)\n");
  });
});
