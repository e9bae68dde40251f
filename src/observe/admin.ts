import type { AddressInfo } from "node:net";
import Fastify, { type FastifyInstance } from "fastify";
import { type EgressHostname, formatEgressState } from "../model/egress.ts";
import { SluiceError } from "../model/errors.ts";
import { formatPath } from "../model/field-path.ts";
import type { Finding } from "../model/finding.ts";
import { formatName, formatRef } from "../model/object-ref.ts";

/** What the admin page shows; each is asked anew for every page. */
export type AdminView = {
  readonly egressHostnames: () => readonly EgressHostname[];
  readonly findings: () => readonly Finding[];
  /** Seconds since the source last heard from the API server, or since files were read. */
  readonly sourceAgeSeconds: () => number;
  readonly synced: () => boolean;
  /** The effective settings; they hold no secret. */
  readonly config: Readonly<Record<string, unknown>>;
};

export type Admin = { readonly address: string; readonly port: number; close(): Promise<void> };

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? "");

/** No script, nothing from elsewhere: the page is text from objects that strangers may have written. */
const SECURITY_HEADERS = {
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
} as const;

/** The page and its JSON, read-only. Does not listen. */
export function buildAdmin(view: AdminView): FastifyInstance {
  const server = Fastify({ logger: false, bodyLimit: 1, requestTimeout: 10_000, forceCloseConnections: true });
  server.addHook("onSend", async (_request, reply) => {
    reply.headers(SECURITY_HEADERS);
  });
  server.get("/", async (_request, reply) => reply.type("text/html; charset=utf-8").send(renderPage(view)));
  server.get("/api/egress-hostnames", async () => view.egressHostnames());
  server.get("/api/findings", async () =>
    view.findings().map((finding) => ({ ...finding, path: formatPath(finding.path) })),
  );
  server.get("/api/config", async () => view.config);
  return server;
}

/** Starts the admin page. Fails with SLUICE_LISTEN_FAILED. */
export async function startAdmin(
  listen: { readonly host: string; readonly port: number },
  view: AdminView,
): Promise<Admin> {
  const server = buildAdmin(view);
  try {
    await server.listen(listen);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new SluiceError(
      "SLUICE_LISTEN_FAILED",
      `cannot serve the admin page on ${listen.host}:${listen.port}: ${code}`,
      "another program may use the port; choose another with --admin-listen",
      error,
    );
  }
  const { address, port } = server.server.address() as AddressInfo;
  return { address, port, close: () => server.close() };
}

const row = (cells: readonly string[]): string =>
  `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join("")}</tr>`;

const table = (heads: readonly string[], rows: readonly string[]): string =>
  `<table><thead><tr>${heads.map((head) => `<th>${escapeHtml(head)}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`;

function renderPage(view: AdminView): string {
  const names = view.egressHostnames();
  const findings = view.findings();
  const nameRows = names.map((name) =>
    row([
      name.hostname,
      formatEgressState(name.state),
      formatName(name.gateway),
      name.listener,
      name.losers.map(formatName).join(", "),
    ]),
  );
  const findingRows = findings.map(({ severity, rule, object, path, message, hint }) =>
    row([severity, rule, `${formatRef(object)} ${formatPath(path)}`, message, hint]),
  );
  const age = view.synced() ? `${view.sourceAgeSeconds().toFixed(0)} s old` : "not synced yet";
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sluice</title><style>',
    "body{font:14px/1.5 system-ui,sans-serif;margin:2rem;max-width:80rem}table{border-collapse:collapse;width:100%}",
    "th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ccc}",
    "</style></head><body><h1>Sluice</h1>",
    `<p>${names.length} egress hostnames, ${findings.length} findings; picture ${escapeHtml(age)}.</p>`,
    `<h2>Egress hostnames</h2>${table(["Name", "Answer", "Gateway", "Listener", "Lost to it"], nameRows)}`,
    `<h2>Findings</h2>${table(["Severity", "Rule", "Where", "What happens", "Fix"], findingRows)}`,
    "</body></html>",
  ].join("");
}
