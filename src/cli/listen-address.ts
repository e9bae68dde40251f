import { networkInterfaces } from "node:os";

export type ListenAddress = { readonly host: string; readonly port: number };

/** Whether this machine has IPv6 at all: `::` then takes both families. */
const hasIPv6 = (): boolean =>
  Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === "IPv6"));

/** Reads a checked `HOST:PORT`; no host means every address of the machine. */
export function listenAddress(text: string): ListenAddress {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, colon).replace(/^\[|\]$/g, "");
  return { host: host === "" ? (hasIPv6() ? "::" : "0.0.0.0") : host, port: Number(text.slice(colon + 1)) };
}
