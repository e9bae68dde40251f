import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { onTestFinished } from "vitest";
import { createTransport } from "../../../src/sources/cluster/transport.ts";

/** One request as it came, with the way to answer it. */
export type PeerRequest = {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage["headers"];
  readonly response: ServerResponse;
  readonly socket: Socket;
};

/**
 * The other end of the wire, for faults that a real API server does not produce on demand: it answers each request
 * as the test says and knows nothing of Kubernetes.
 */
export async function startPeer(answer: (request: PeerRequest) => void) {
  const requests: PeerRequest[] = [];
  const open = new Set<Socket>();
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? "/", "http://peer");
    const query = Object.fromEntries(url.searchParams);
    const request = { path: url.pathname, query, headers: incoming.headers, response, socket: incoming.socket };
    requests.push(request);
    answer(request);
  });
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: "peer", server: address, skipTLSVerify: true },
    { name: "tester", token: "secret" },
  );
  const transport = createTransport(config);
  const close = async () => {
    await transport.close();
    for (const socket of open) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  onTestFinished(close);
  return { address, transport, requests, open };
}

export const sendJson = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
) => response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));

export const apiStatus = (code: number, message: string) => ({ kind: "Status", apiVersion: "v1", code, message });

/** A Gateway as a list or a watch brings it. */
export const item = (name: string, resourceVersion: string, uid = `uid-${name}`) => ({
  metadata: { name, namespace: "gw", uid, resourceVersion, managedFields: [{ manager: "x" }] },
});

export const listOf = (resourceVersion: string, items: readonly unknown[], next?: string) => ({
  kind: "GatewayList",
  apiVersion: "gateway.networking.k8s.io/v1",
  metadata: { resourceVersion, ...(next === undefined ? {} : { continue: next }) },
  items,
});

const API = { apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway" };

export const eventLine = (type: string, object: Readonly<Record<string, unknown>>): string =>
  `${JSON.stringify({ type, object: type === "ERROR" ? object : { ...API, ...object } })}\n`;

export const bookmark = (resourceVersion: string): string => eventLine("BOOKMARK", { metadata: { resourceVersion } });
