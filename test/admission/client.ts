import { Agent, type RequestOptions, request } from "node:https";

export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The body as JSON, untyped on purpose: it is what tests look into. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer of any form
  readonly json: any;
};

/** Sends one request and reads the whole answer. `body` undefined sends none. */
export function send(options: RequestOptions, body?: string | Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", method: "POST", ...options }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const json = text.startsWith("{") ? JSON.parse(text) : undefined;
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, json });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** A client that keeps its connection, as the API server does. */
export const keepAliveAgent = (ca: string): Agent => new Agent({ ca, keepAlive: true, maxSockets: 1 });

export const JSON_TYPE = { "content-type": "application/json" };
