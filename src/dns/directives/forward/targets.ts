import { isIP } from "node:net";
import type { Token } from "../../corefile/token.ts";
import { parseZone, shorten } from "../../corefile/zone.ts";
import type { SetupContext } from "../directive.ts";
import { resolvePath } from "../resolve-path.ts";

/** Where a question is sent: `address` is known, `name` is looked up when the server starts. */
export type ForwardTarget = {
  readonly kind: "address" | "name";
  readonly host: string;
  readonly port: number;
  readonly protocol: "dns" | "tls";
  /** Name in the certificate, given behind the host as `%name`. */
  readonly serverName: string | undefined;
};

const PORTS = { dns: 53, tls: 853 } as const;

/** What a TO of each other scheme is told. */
const REFUSED: Readonly<Record<string, string>> = {
  https: "'https://' is not supported: use 'tls://' or plain DNS",
  https3: "'https3://' is not supported: use 'tls://' or plain DNS",
  quic: "'quic://' is not supported: use 'tls://' or plain DNS",
  grpc: "'grpc://' is not supported: use 'tls://' or plain DNS",
};

/** Reads a TO: IP, IP:port, `[v6]:port`, with `dns://` or `tls://`; a file with `nameserver` lines; or a host name. */
export function readTargets(token: Token, context: SetupContext): readonly ForwardTarget[] {
  const [, scheme = "dns", rest = ""] = /^(?:([a-z0-9]{1,16}):\/\/)?(.*)$/s.exec(token.text) ?? [];
  if (scheme !== "dns" && scheme !== "tls") {
    context.error(token, REFUSED[scheme] ?? `unknown scheme '${scheme}://', write dns:// or tls://`);
    return [];
  }
  const target = readTarget(rest, scheme);
  if (target?.kind === "address") return [target];
  const file = scheme === "dns" ? context.files.read(resolvePath(token)) : undefined;
  if (file?.ok === true) return readNameservers(file.value, token, context);
  if (target !== undefined) return [target];
  context.error(token, `not an IP address or file: "${shorten(token.text)}"`);
  return [];
}

function readTarget(text: string, protocol: "dns" | "tls"): ForwardTarget | undefined {
  const [host = "", port, serverName] = splitTarget(text);
  const number = port === undefined ? PORTS[protocol] : Number(port);
  if (number < 1 || number > 65_535) return undefined;
  if (isIP(host) !== 0) return { kind: "address", host, port: number, protocol, serverName };
  const name = /^[0-9.]*$/.test(host) || host.includes("/") ? undefined : parseZone(host);
  return name?.ok === true ? { kind: "name", host: name.value, port: number, protocol, serverName } : undefined;
}

function splitTarget(text: string): readonly (string | undefined)[] {
  const [, bare = "", serverName] = /^(.*?)(?:%([A-Za-z0-9._-]{1,253}))?$/s.exec(text) ?? [];
  if (isIP(bare) !== 0) return [bare, undefined, serverName];
  const match = /^(?:\[([^\]]{2,60})\]|([^:[\]]{1,253}))(?::(\d{1,5}))?$/.exec(bare);
  return [match?.[1] ?? match?.[2], match?.[3], serverName];
}

/** The nameservers of a file such as /etc/resolv.conf (resolv.conf(5)). */
function readNameservers(text: string, token: Token, context: SetupContext): readonly ForwardTarget[] {
  const hosts = text.split("\n").flatMap((line) => {
    const [keyword, host = ""] = line.trim().split(/\s+/);
    return keyword === "nameserver" && isIP(host) !== 0 && !host.includes("%") ? [host] : [];
  });
  if (hosts.length === 0) context.error(token, `no nameservers found in "${shorten(token.text)}"`);
  return hosts.map((host) => ({ kind: "address", host, port: PORTS.dns, protocol: "dns", serverName: undefined }));
}
