import { isIP } from "node:net";
import { fail, ok, type Result } from "../../model/result.ts";

/** Where questions are sent on. */
export type UpstreamAddress = { readonly host: string; readonly port: number; readonly family: 4 | 6 };

const DNS_PORT = 53;

/**
 * Reads `10.96.0.10`, `10.96.0.10:5353`, `fd00::10`, `[fd00::10]:5353`, each with an optional `dns://`. Names are not
 * looked up: whom would one ask?
 */
export function parseUpstream(text: string): Result<UpstreamAddress> {
  const bare = text.replace(/^dns:\/\//, "").trim();
  const match = isIP(bare) !== 0 ? [bare, bare] : /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(bare);
  const host = match?.[1] ?? match?.[2] ?? "";
  const port = match?.[3] === undefined ? DNS_PORT : Number(match[3]);
  const family = isIP(host);
  if (family === 0)
    return fail(`upstream '${text}' must be an IP address, with ':port' if it is not 53 ('[...]' around IPv6)`);
  if (port < 1 || port > 65535) return fail(`upstream '${text}' must have a port from 1 to 65535`);
  return ok({ host, port, family: family === 4 ? 4 : 6 });
}

/** `10.96.0.10:53`, `[fd00::10]:53`: the form in logs and metrics. */
export const formatUpstream = ({ host, port, family }: UpstreamAddress): string =>
  family === 6 ? `[${host}]:${port}` : `${host}:${port}`;
