import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SluiceError } from "../model/errors.ts";
import type { Log } from "./log.ts";
import { createServer } from "./node-http.ts";

export type Page = { readonly status: number; readonly contentType: string; readonly body: string };

/** Makes a page anew for every request. */
export type MakePage = () => Page | Promise<Page>;

/** Pages by path. */
export type Pages = ReadonlyMap<string, MakePage>;

/** An address to listen on; without a host all addresses of the machine, and port 0 takes any that is free. */
export type PageAddress = { readonly host: string; readonly port: number };

/** A listener that serves pages over plain HTTP. */
export type PageServer = {
  /** The port listened on. */
  readonly port: number;
  /** Serves these from now on. */
  replace(pages: Pages): void;
  close(): Promise<void>;
};

/** A page of text. */
export const plain = (status: number, body: string): Page => ({
  status,
  contentType: "text/plain; charset=utf-8",
  body,
});

/** Probes are short; a peer that is slow to ask is cut off. */
const HEADERS_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 10_000;
/** Probes and scrapers of one pod: a handful. */
const MAX_CONNECTIONS = 128;

/** Listens and serves. Fails with SLUICE_LISTEN_FAILED. */
export async function startPageServer(address: PageAddress, pages: Pages, log: Log): Promise<PageServer> {
  let served = pages;
  const server = createServer((request, response) => {
    answer(request, response, served).catch((error: unknown) => {
      log.error({ err: error, path: request.url }, "health page failed");
      if (!response.headersSent) write(response, plain(500, "the page could not be made; the log says why"));
      else response.destroy();
    });
  });
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
  const port = await listen(server, address, [...pages.keys()].join(" and "));
  return {
    port,
    replace(next) {
      served = next;
    },
    close: () => closeServer(server),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, pages: Pages): Promise<void> {
  const { method, url = "" } = request;
  const page = pages.get(url.split("?", 1)[0] ?? "");
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

function listen(server: Server, { host, port }: PageAddress, what: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => {
      const hint = `another program may use it; choose another port for ${what}`;
      const message = `cannot serve ${what} on ${host}:${port}: ${error.code ?? error.message}`;
      reject(new SluiceError("SLUICE_LISTEN_FAILED", message, hint, error));
    };
    server.once("error", refuse);
    // Without a host Node takes all addresses of both families, or of IPv4 where there is no IPv6.
    server.listen(host === "" ? { port } : { host, port }, () => {
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
