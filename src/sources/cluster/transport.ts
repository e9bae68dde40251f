import { createHash } from "node:crypto";
import type { RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { Agent, type buildConnector, type Dispatcher, ProxyAgent, request } from "undici";
import { SluiceError } from "../../model/errors.ts";

export type Query = Readonly<Record<string, string>>;

export type RequestExtras = {
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  /** Default `application/json`; patches need their own, such as `application/apply-patch+yaml`. */
  readonly contentType?: string;
  readonly query?: Query;
  /** Default `application/json`. */
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** Time for the whole exchange, 30 s if not given. */
  readonly timeoutSeconds?: number;
};

export type ApiResponse = {
  readonly status: number;
  /** The JSON of the answer, or its text when it is no JSON. */
  readonly body: unknown;
  readonly retryAfterSeconds: number | undefined;
};

export type ApiStream = {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  /** The answer as it comes; ends or rejects when the connection does. */
  readonly chunks: AsyncIterable<Uint8Array>;
};

/**
 * The way to one API server: one pool of connections, authentication added to each request. Answers of every status
 * are returned; only a server that does not answer makes it reject, with SLUICE_CLUSTER_UNREACHABLE.
 */
export type Transport = {
  readonly server: string;
  request(method: string, path: string, extras?: RequestExtras): Promise<ApiResponse>;
  /** A GET whose answer goes on for long; the caller ends it with the signal. */
  stream(path: string, extras: RequestExtras & { readonly signal: AbortSignal }): Promise<ApiStream>;
  /** Breaks off what is under way and closes all connections. */
  close(): Promise<void>;
};

/** A page of 500 of the largest usual objects (100 KiB) is 50 MiB. */
const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
/** Priority and fairness may hold a request for a minute before it is answered. SOURCE: kube-apiserver, request timeout 60 s. */
const HEADERS_TIMEOUT_MS = 65_000;
const REQUEST_TIMEOUT_SECONDS = 30;
/** For exec plugins, which may ask a cloud for a token. */
const CREDENTIALS_TIMEOUT_MS = 30_000;

type Credentials = { readonly headers: Readonly<Record<string, string>>; readonly tls: RequestOptions };

/** client-node refuses plain HTTP unless TLS checks are off, which mean nothing there (`kubectl proxy`). */
function allowPlainHttp(config: KubeConfig): void {
  const { clusters, contexts, users, currentContext } = config;
  const open = clusters.map((each) => (each.server?.startsWith("http:") ? { ...each, skipTLSVerify: true } : each));
  config.loadFromOptions({ clusters: open, contexts, users, currentContext });
}

/** Asks client-node for today's credentials: it reads token files again and runs exec plugins. */
async function credentialsOf(config: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = {};
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("no credentials within 30 s")), CREDENTIALS_TIMEOUT_MS);
  });
  try {
    await Promise.race([config.applyToHTTPSOptions(options), late]);
  } finally {
    clearTimeout(timer);
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value).trim();
  if (typeof options.auth === "string")
    headers["Authorization"] = `Basic ${Buffer.from(options.auth).toString("base64")}`;
  return { headers, tls: options };
}

function dispatcherFor(config: KubeConfig, tls: RequestOptions): Dispatcher {
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized } = tls;
  const servername = (tls as { servername?: string }).servername;
  const given = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername };
  const options = config.createDispatcherOptions(config.getCurrentCluster(), given as never);
  const connect = { timeout: CONNECT_TIMEOUT_MS, keepAlive: true, keepAliveInitialDelay: 30_000 };
  const limits = { headersTimeout: HEADERS_TIMEOUT_MS, bodyTimeout: 0, keepAliveTimeout: 60_000 };
  // The types of node:tls allow undefined where undici's do not; the values are the same.
  if (options.type === "proxy") {
    const requestTls = options.requestTls as buildConnector.BuildOptions;
    return new ProxyAgent({ ...limits, uri: options.uri, requestTls, connect });
  }
  if (options.type === "socks") {
    const hint = "use an HTTP proxy, or a tunnel such as `ssh -L`";
    throw new SluiceError(
      "SLUICE_CLUSTER_UNREACHABLE",
      "the kubeconfig names a SOCKS proxy, which is not supported",
      hint,
    );
  }
  const own = options.type === "agent" ? (options.connect as buildConnector.BuildOptions) : {};
  return new Agent({ ...limits, connect: { ...connect, ...own } });
}

/** Changes when a CA or client certificate does, and with it the connections must. */
function fingerprint({ ca, cert, key, rejectUnauthorized }: RequestOptions): string {
  const hash = createHash("sha256");
  for (const part of [ca, cert, key]) hash.update(String(part ?? "")).update("\0");
  return hash.update(String(rejectUnauthorized)).digest("hex");
}

/** Seconds of a Retry-After header; the date form is not used by API servers. */
function retryAfterOf(headers: Readonly<Record<string, string | string[] | undefined>>): number | undefined {
  const text = String(headers["retry-after"] ?? "");
  return /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}

async function readBody(chunks: AsyncIterable<Uint8Array>): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > MAX_RESPONSE_BYTES) throw new Error(`the answer is longer than ${MAX_RESPONSE_BYTES} bytes`);
    pieces.push(chunk);
  }
  const text = Buffer.concat(pieces).toString("utf8");
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there: check that the API server runs and the address is right",
  ENOTFOUND: "the name does not exist: check the server address of the kubeconfig",
  EAI_AGAIN: "the name cannot be resolved now: check this machine's DNS",
  UND_ERR_CONNECT_TIMEOUT: "no answer: check the address, firewalls and network policies",
  CERT_HAS_EXPIRED: "the API server's certificate has expired",
  SELF_SIGNED_CERT_IN_CHAIN: "check certificate-authority(-data) of the kubeconfig",
  DEPTH_ZERO_SELF_SIGNED_CERT: "check certificate-authority(-data) of the kubeconfig",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "check certificate-authority(-data) of the kubeconfig",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another name: check the server address, or set tls-server-name",
};

function unreachable(server: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = message || code || String(error);
  const hint = HINTS[code ?? ""] ?? "check the network between this process and the API server";
  return new SluiceError(
    "SLUICE_CLUSTER_UNREACHABLE",
    `the API server ${server} does not answer: ${reason}`,
    hint,
    error,
  );
}

/** The dispatcher of the present TLS material; an older one is closed as soon as its requests have ended. */
function currentDispatcher(config: KubeConfig) {
  let current: { readonly print: string; readonly dispatcher: Dispatcher } | undefined;
  return {
    of(tls: RequestOptions): Dispatcher {
      const print = fingerprint(tls);
      if (current?.print === print) return current.dispatcher;
      const retired = current?.dispatcher;
      current = { print, dispatcher: dispatcherFor(config, tls) };
      // Its watches end by themselves within minutes; nobody waits for that.
      retired?.close().catch(() => undefined);
      return current.dispatcher;
    },
    close: async () => current?.dispatcher.destroy(),
  };
}

type Sending = {
  readonly config: KubeConfig;
  readonly dispatcher: ReturnType<typeof currentDispatcher>;
  readonly method: string;
  readonly url: string;
  readonly extras: RequestExtras;
  readonly signal: AbortSignal;
};

async function sendRequest({ config, dispatcher, method, url, extras, signal }: Sending) {
  const { headers, tls } = await credentialsOf(config);
  const { body, query, contentType = "application/json", accept = "application/json" } = extras;
  const search = query === undefined ? "" : `?${new URLSearchParams(query)}`;
  const content = body === undefined ? {} : { "Content-Type": contentType };
  return await request(`${url}${search}`, {
    method: method as Dispatcher.HttpMethod,
    headers: { ...headers, ...content, Accept: accept, "User-Agent": "sluice" },
    body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
    dispatcher: dispatcher.of(tls),
    signal,
  });
}

/** Makes the one transport of the process. The first connection is made by the first request. */
export function createTransport(config: KubeConfig): Transport {
  allowPlainHttp(config);
  const server = (config.getCurrentCluster()?.server ?? "").replace(/\/+$/, "");
  const dispatcher = currentDispatcher(config);
  const stop = new AbortController();

  const send = (method: string, path: string, extras: RequestExtras, signals: readonly AbortSignal[]) =>
    sendRequest({ config, dispatcher, method, url: `${server}${path}`, extras, signal: AbortSignal.any([...signals]) });

  return {
    server,
    async request(method, path, extras = {}) {
      const limit = AbortSignal.timeout((extras.timeoutSeconds ?? REQUEST_TIMEOUT_SECONDS) * 1000);
      const signals = [limit, stop.signal, ...(extras.signal === undefined ? [] : [extras.signal])];
      try {
        const response = await send(method, path, extras, signals);
        const retryAfterSeconds = retryAfterOf(response.headers);
        return { status: response.statusCode, body: await readBody(response.body), retryAfterSeconds };
      } catch (error) {
        throw unreachable(server, error);
      }
    },
    async stream(path, extras) {
      try {
        const response = await send("GET", path, extras, [stop.signal, extras.signal]);
        return {
          status: response.statusCode,
          chunks: response.body,
          retryAfterSeconds: retryAfterOf(response.headers),
        };
      } catch (error) {
        throw unreachable(server, error);
      }
    },
    async close() {
      stop.abort();
      await dispatcher.close();
    },
  };
}
