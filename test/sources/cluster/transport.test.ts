import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { describe, expect, onTestFinished, test } from "vitest";
import { SluiceError } from "../../../src/model/errors.ts";
import { createTransport } from "../../../src/sources/cluster/transport.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { apiStatus, sendJson, startPeer } from "./api-peer.ts";

function transportFor(server: string, user: object) {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: "c", server, skipTLSVerify: false }, { name: "u", ...user });
  const transport = createTransport(config);
  onTestFinished(() => transport.close());
  return transport;
}

describe("a request", () => {
  test("carries method, query, body and content type, and gives status and JSON", async () => {
    const bodies: string[] = [];
    const { transport, requests } = await startPeer(({ response }) => {
      response.req.on("data", (chunk: Buffer) => bodies.push(chunk.toString()));
      response.req.on("end", () => sendJson(response, 409, apiStatus(409, "conflict"), { "Retry-After": "7" }));
    });
    const answer = await transport.request("PATCH", "/api/v1/x", {
      query: { fieldManager: "sluice", force: "true" },
      body: { a: 1 },
      contentType: "application/apply-patch+yaml",
    });
    expect(answer).toEqual({ status: 409, body: apiStatus(409, "conflict"), retryAfterSeconds: 7 });
    expect(requests[0]).toMatchObject({ path: "/api/v1/x", query: { fieldManager: "sluice", force: "true" } });
    expect(requests[0]?.headers).toMatchObject({
      "content-type": "application/apply-patch+yaml",
      authorization: "Bearer secret",
    });
    expect(bodies.join("")).toBe('{"a":1}');
  });

  test("an answer that is no JSON is given as text, and a text body is sent as it is", async () => {
    const { transport } = await startPeer(({ response }) => void response.writeHead(502).end("<html>"));
    expect(await transport.request("POST", "/", { body: "raw" })).toMatchObject({ status: 502, body: "<html>" });
  });

  test("many requests share few connections", async () => {
    const { transport, open, requests } = await startPeer(({ response }) => sendJson(response, 200, {}));
    for (let count = 0; count < 20; count++) await transport.request("GET", "/");
    expect(requests).toHaveLength(20);
    expect(open.size).toBeLessThanOrEqual(2);
  });

  test("a token file is sent without its line break", async () => {
    const { address, requests } = await startPeer(({ response }) => sendJson(response, 200, {}));
    const tokenFile = join(temporaryFolder(), "token");
    writeFileSync(tokenFile, "from-file\n");
    await transportFor(address, { authProvider: { name: "tokenFile", config: { tokenFile } } }).request("GET", "/");
    expect(requests[0]?.headers.authorization).toBe("Bearer from-file");
  });

  test("a user name and password are sent as such", async () => {
    const { address, requests } = await startPeer(({ response }) => sendJson(response, 200, {}));
    await transportFor(address, { username: "a", password: "b" }).request("GET", "/");
    expect(requests[0]?.headers.authorization).toBe(`Basic ${btoa("a:b")}`);
  });
});

describe("an API server that does not answer", () => {
  const failing = async (action: Promise<unknown>) => {
    const error = await action.catch((reason: unknown) => reason);
    if (!(error instanceof SluiceError)) throw new Error("no SluiceError");
    return error;
  };

  test("is named with the reason and what to check", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const error = await failing(transportFor(`https://127.0.0.1:${port}`, {}).request("GET", "/"));
    expect(error.code).toBe("SLUICE_CLUSTER_UNREACHABLE");
    expect(error.message).toBe(
      `the API server https://127.0.0.1:${port} does not answer: connect ECONNREFUSED 127.0.0.1:${port}`,
    );
    expect(error.hint).toContain("nothing listens there");
  });

  test("is given up after the time allowed", async () => {
    const { transport } = await startPeer(() => undefined);
    const started = performance.now();
    const error = await failing(transport.request("GET", "/", { timeoutSeconds: 0.1 }));
    expect(error.message).toContain("does not answer");
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test("does not hold up the end", async () => {
    const { transport } = await startPeer(() => undefined);
    const pending = failing(transport.request("GET", "/"));
    await transport.close();
    expect((await pending).code).toBe("SLUICE_CLUSTER_UNREACHABLE");
  });
});
