import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SluiceError } from "../model/errors.ts";
import type { Log } from "./log.ts";

/** Ports of the three pages; 0 takes a free one, undefined leaves the page out. */
export type HealthPorts = { readonly health?: number; readonly ready?: number; readonly metrics?: number };

export type HealthInput = {
  readonly host: string;
  readonly ports: HealthPorts;
  /** Names of the parts of this process that cannot serve yet, in a stable order; empty when all can. */
  readonly notReady: () => readonly string[];
  readonly metrics: { readonly contentType: string; print(): Promise<string> };
  readonly log: Log;
};

export type Health = {
  /** The ports that are listened on. */
  readonly ports: HealthPorts;
  /** From now on /ready says 503: first step of a shutdown, while everything still serves. */
  drain(): void;
  close(): Promise<void>;
};

type Page = { readonly status: number; readonly contentType: string; readonly body: string };
type Pages = Readonly<Record<string, () => Page | Promise<Page>>>;

const plain = (status: number, body: string): Page => ({ status, contentType: "text/plain; charset=utf-8", body });

/** Probes are short; a peer that is slow to ask is cut off. */
const HEADERS_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 10_000;
/** Probes and scrapers of one pod: a handful. */
const MAX_CONNECTIONS = 128;

/**
 * Serves /health, /ready and /metrics over plain HTTP, each on its own port as CoreDNS does, for the roles of this
 * process only. /health is 200 as long as the event loop turns; /ready is 200 `OK`, or 503 with a comma list of what
 * is not ready. Fails with SLUICE_LISTEN_FAILED; then none of the three is left listening.
 */
export async function startHealth({ host, ports, notReady, metrics, log }: HealthInput): Promise<Health> {
  let draining = false;
  const readiness = (): Page => {
    const waiting = draining ? ["shutting-down"] : notReady();
    return waiting.length === 0 ? plain(200, "OK") : plain(503, waiting.join(","));
  };
  const wanted: readonly [keyof HealthPorts, Pages][] = [
    ["health", { "/health": () => plain(200, "OK") }],
    ["ready", { "/ready": readiness }],
    [
      "metrics",
      { "/metrics": async () => ({ status: 200, contentType: metrics.contentType, body: await metrics.print() }) },
    ],
  ];
  const servers: Server[] = [];
  const listening: { -readonly [K in keyof HealthPorts]: HealthPorts[K] } = {};
  const close = async () => {
    await Promise.all(servers.map(closeServer));
  };
  try {
    for (const [name, pages] of wanted) {
      const port = ports[name];
      if (port === undefined) continue;
      const server = pageServer(pages, log);
      listening[name] = await listen(server, host, port, name);
      servers.push(server);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ports: listening,
    drain: () => {
      draining = true;
    },
    close,
  };
}

function pageServer(pages: Pages, log: Log): Server {
  const server = createServer((request, response) => {
    answer(request, response, pages).catch((error: unknown) => {
      log.error({ err: error, path: request.url }, "health page failed");
      if (!response.headersSent) write(response, plain(500, "the page could not be made; the log says why"));
      else response.destroy();
    });
  });
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, pages: Pages): Promise<void> {
  const { method, url = "" } = request;
  const path = url.split("?", 1)[0] ?? "";
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  // A body is never read: the connection ends with the answer.
  if (request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined) {
    response.setHeader("connection", "close");
  }
  if (page === undefined) return write(response, plain(404, "not found"));
  if (method !== "GET" && method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return write(response, plain(405, "only GET and HEAD"));
  }
  write(response, await page());
}

function write(response: ServerResponse, { status, contentType, body }: Page): void {
  response.writeHead(status, { "content-type": contentType, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

function listen(server: Server, host: string, port: number, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => {
      const hint = `another program may use it; choose another ${name} port`;
      const message = `cannot serve /${name} on ${host}:${port}: ${error.code ?? error.message}`;
      reject(new SluiceError("SLUICE_LISTEN_FAILED", message, hint, error));
    };
    server.once("error", refuse);
    server.listen({ host, port }, () => {
      server.off("error", refuse);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
