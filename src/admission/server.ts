import type { Server } from "node:https";
import { performance } from "node:perf_hooks";
import type { TLSSocket } from "node:tls";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Log } from "../observe/log.ts";
import type { AdmissionMetrics, WebhookName } from "../observe/metrics.ts";
import { type InjectionFactsSource, modeOfRequest, mutate } from "./mutate.ts";
import { type ReviewOutcome, troubleOutcome } from "./outcome.ts";
import { encodeError, encodeReview } from "./response.ts";
import { type AdmissionRequest, parseReview } from "./review.ts";
import { budgetMs } from "./time-budget.ts";
import { type AdmissionTls, isTrustedClient, secureContext, socketOptions } from "./tls.ts";
import { type Judge, unjudged, validate } from "./validate.ts";

/** What the server answers with, and where it tells. */
export type AdmissionDependencies = {
  readonly tls: AdmissionTls;
  readonly facts: InjectionFactsSource;
  readonly judge: Judge;
  readonly metrics: AdmissionMetrics;
  readonly log: Log;
  /** Whether answers should end their connection: set while the process is about to stop. */
  readonly draining: () => boolean;
  /** A clock in milliseconds that never steps back. */
  readonly now?: () => number;
};

export type AdmissionServer = FastifyInstance<Server>;

/** Longer than the 90 s after which Go's client drops an idle connection: the server must never be the first. */
const KEEP_ALIVE_TIMEOUT_MS = 120_000;
const HEADERS_TIMEOUT_MS = 125_000;
/** The API server's own upper bound for a request is 34 s. */
const REQUEST_TIMEOUT_MS = 35_000;
/** Connections end now and then, so that they spread over replicas (kubernetes issue 75791). */
const MAX_REQUESTS_PER_SOCKET = 1000;
/** The API server takes objects of 3 MiB and sends two; JSON of managed fields adds to it. */
const BODY_LIMIT_BYTES = 8 * 1024 * 1024;
/** Bodies that are being received, not decisions, take memory: 64 of the largest would be 512 MiB, so both are bounded. */
const MAX_IN_FLIGHT = 256;
const MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024;

/** Our own patience where the API server's is longer; what the manifests register. */
const OWN_TIMEOUT_MS: Readonly<Record<WebhookName, number>> = { mutate: 3000, validate: 5000 };

/**
 * Makes the admission server; it does not listen. Reviews come to POST /mutate and POST /validate over HTTPS,
 * HTTP/1.1. Every review that can be read is answered with HTTP 200, a denial too; what is no review gets 400, 413,
 * 415 or 429 and a metav1.Status that says why.
 */
export function buildServer(dependencies: AdmissionDependencies): AdmissionServer {
  const { tls, metrics, log } = dependencies;
  const server = Fastify({
    logger: false,
    https: { ...secureContext(tls, tls.certificate), ...socketOptions(tls) },
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    maxRequestsPerSocket: MAX_REQUESTS_PER_SOCKET,
    bodyLimit: 1,
    return503OnClosing: false,
    forceCloseConnections: "idle",
  }) as unknown as AdmissionServer;
  // Not an option: Node refuses there a time that is longer than the request's, which keep-alive needs.
  server.server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.server.on("tlsClientError", (error) => {
    metrics.handshakeFailed();
    log.debug({ err: error }, "tls handshake failed");
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(/^application\/json/i, { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  addHooks(server, dependencies);
  addErrors(server, dependencies);
  for (const webhook of ["mutate", "validate"] as const) addWebhook(server, webhook, dependencies);
  return server;
}

const arrivals = new WeakMap<FastifyRequest, number>();
const clock = ({ now }: AdmissionDependencies): number => now?.() ?? performance.now();

/** Bytes that a request may bring: what it declares, the most where it declares nothing, none without a body. */
function declaredBytes({ headers }: FastifyRequest): number {
  if (headers["transfer-encoding"] !== undefined) return BODY_LIMIT_BYTES;
  const length = Number(headers["content-length"] ?? 0);
  return length <= BODY_LIMIT_BYTES ? length : BODY_LIMIT_BYTES;
}

/** Counts what is under way, refuses strangers and floods, and ends connections while draining. */
function addHooks(server: AdmissionServer, dependencies: AdmissionDependencies): void {
  const { metrics, tls, draining } = dependencies;
  let inFlight = 0;
  let inFlightBytes = 0;
  server.addHook("onRequest", async (request, reply) => {
    arrivals.set(request, clock(dependencies));
    const bytes = declaredBytes(request);
    inFlight++;
    inFlightBytes += bytes;
    metrics.inFlight(1);
    reply.raw.once("close", () => {
      inFlight--;
      inFlightBytes -= bytes;
      metrics.inFlight(-1);
    });
    if (inFlight > MAX_IN_FLIGHT || inFlightBytes > MAX_IN_FLIGHT_BYTES) {
      reply.header("retry-after", "1");
      return refuse(reply, 429, "too many reviews at once, try again", metrics);
    }
    if (!isTrustedClient(request.raw.socket as TLSSocket, tls)) {
      return refuse(reply, 403, "the client certificate is not one that may call", metrics);
    }
    return undefined;
  });
  server.addHook("onSend", async (_request, reply) => {
    if (draining()) reply.header("connection", "close");
  });
}

function refuse(reply: FastifyReply, status: number, message: string, metrics: AdmissionMetrics): FastifyReply {
  metrics.rejected(status);
  return reply.code(status).type("application/json").send(encodeError(status, message));
}

/** Nothing leaves in fastify's own format; a client's mistake is 4xx, anything else a bug that is logged. */
function addErrors(server: AdmissionServer, { metrics, log }: AdmissionDependencies): void {
  server.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error({ err: error }, "admission request failed");
    return refuse(reply, status, messageOf(status, error), metrics);
  });
  server.setNotFoundHandler((_request, reply) =>
    refuse(reply, 404, "reviews go to POST /mutate or /validate", metrics),
  );
}

function messageOf(status: number, error: Error): string {
  if (status === 413) return `the body is larger than ${BODY_LIMIT_BYTES} bytes`;
  if (status === 415) return "content-type must be application/json";
  return status >= 500 ? "the request could not be served" : error.message;
}

function addWebhook(server: AdmissionServer, webhook: WebhookName, dependencies: AdmissionDependencies): void {
  const { metrics } = dependencies;
  const url = `/${webhook}`;
  server.post(url, { bodyLimit: BODY_LIMIT_BYTES }, async (request, reply) => {
    const review = parseReview(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
    if (!review.ok) return refuse(reply, 400, review.problems.join("; "), metrics);
    const outcome = await answer(webhook, review.value, request, dependencies);
    report(webhook, review.value, outcome, request, dependencies);
    return reply.type("application/json").send(encodeReview(review.value.uid, outcome.response));
  });
  server.route({
    method: ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"],
    url,
    handler: (_request, reply) => refuse(reply.header("allow", "POST"), 405, "only POST", metrics),
  });
}

/** Decides within the time that the API server gives; never throws. */
function answer(
  webhook: WebhookName,
  review: AdmissionRequest,
  request: FastifyRequest,
  dependencies: AdmissionDependencies,
): ReviewOutcome | Promise<ReviewOutcome> {
  const { timeout } = request.query as { timeout?: unknown };
  const deadline = (arrivals.get(request) ?? 0) + budgetMs(timeout, OWN_TIMEOUT_MS[webhook]);
  const leftMs = (): number => deadline - clock(dependencies);
  return webhook === "mutate"
    ? answerMutate(review, leftMs, dependencies)
    : answerValidate(review, leftMs, dependencies);
}

function answerMutate(
  review: AdmissionRequest,
  leftMs: () => number,
  { facts: factsOf }: AdmissionDependencies,
): ReviewOutcome {
  let mode: ReturnType<typeof modeOfRequest> = "enabled";
  try {
    const facts = factsOf(review.namespace);
    mode = modeOfRequest(facts);
    if (leftMs() < 0) return troubleOutcome("deadline", mode);
    const outcome = mutate(review, facts);
    return leftMs() < 0 ? troubleOutcome("deadline", mode) : outcome;
  } catch (error) {
    return troubleOutcome("internal-error", mode, error);
  }
}

async function answerValidate(
  review: AdmissionRequest,
  leftMs: () => number,
  { facts, judge }: AdmissionDependencies,
): Promise<ReviewOutcome> {
  try {
    const patienceMs = leftMs();
    if (patienceMs < 0) return unjudged("deadline");
    const outcome = await validate(review, judge, facts(review.namespace), patienceMs);
    return leftMs() < 0 ? unjudged("deadline") : outcome;
  } catch (error) {
    return unjudged("internal-error", error);
  }
}

const OPERATIONS = new Set(["CREATE", "UPDATE", "DELETE", "CONNECT"]);

/** Counts and logs one answer: never the object itself. */
function report(
  webhook: WebhookName,
  review: AdmissionRequest,
  outcome: ReviewOutcome,
  request: FastifyRequest,
  dependencies: AdmissionDependencies,
): void {
  const { metrics, log } = dependencies;
  const { decision, reason, deniedBy, exempted, error } = outcome;
  const { operation, dryRun } = review;
  const ms = clock(dependencies) - (arrivals.get(request) ?? 0);
  metrics.answered({
    webhook,
    operation: OPERATIONS.has(operation) ? operation : "other",
    decision,
    reason,
    dryRun,
    seconds: ms / 1000,
    deniedBy,
    exempted,
  });
  if (review.droppedKeys > 0) metrics.droppedKeys(review.droppedKeys);
  if (outcome.patchCheckFailed) metrics.patchCheckFailed();
  const fields = {
    uid: review.uid,
    webhook,
    kind: review.kind.kind,
    namespace: review.namespace,
    name: review.displayName,
    operation,
    dryRun,
    decision,
    reason,
    ms: Math.round(ms * 1000) / 1000,
  };
  if (error !== undefined || outcome.patchCheckFailed) log.error({ ...fields, err: error }, "review not decided");
  else if (reason === "deadline") log.warn(fields, "review not decided in time");
  else log.info(fields, "review answered");
}
