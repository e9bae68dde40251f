import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import { generate } from "selfsigned";
import { SluiceError } from "../model/errors.ts";

/** A certificate and its private key (PKCS #8), both PEM with a newline at the end. */
export type KeyPair = { readonly cert: string; readonly key: string };

/** One CA. Its generation counts up from 1; no two share a subject, even when a generation number is used twice. */
export type Authority = KeyPair & { readonly generation: number };

/** What a server certificate stands for: DNS names and IP addresses, as they are dialled. */
export type ServerNames = { readonly dns: readonly string[]; readonly ips: readonly string[] };

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** NotBefore lies this far back, so that an API server whose clock is up to an hour behind accepts a new certificate. */
const BACKDATE_MS = HOUR_MS;

/** Two years: long against the leaf, so that a rotation (at half life) is never urgent. */
export const AUTHORITY_LIFE_MS = 730 * DAY_MS;

/** 90 days, renewed after 60: one month in which a renewal that fails can be noticed. */
export const LEAF_LIFE_MS = 90 * DAY_MS;

/** Subjects of our CAs: generation number, then eight random hex digits. */
const AUTHORITY_NAME = /^sluice-ca-(\d{1,9})-[0-9a-f]{8}$/;

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*$/i;

/** The generation in the common name of one of our CAs; undefined for anybody else's. */
export function generationOf(commonName: string): number | undefined {
  const digits = AUTHORITY_NAME.exec(commonName)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Makes a CA: ECDSA P-256 with SHA-256 (selfsigned's own default is SHA-1, which Go refuses), path length 0, signing
 * of certificates only. The subject is unique because selfsigned writes no key identifiers: with two CAs of one
 * subject in a bundle, OpenSSL tries the first and gives up.
 */
export async function makeAuthority({ generation, now }: { generation: number; now: number }): Promise<Authority> {
  const name = `sluice-ca-${generation}-${randomBytes(4).toString("hex")}`;
  const made = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: new Date(now - BACKDATE_MS),
    notAfterDate: new Date(now + AUTHORITY_LIFE_MS),
    extensions: [
      { name: "basicConstraints", cA: true, pathLenConstraint: 0, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true },
    ],
  });
  return { generation, cert: withNewline(made.cert), key: withNewline(made.private) };
}

/**
 * Signs a server certificate. It never outlives its CA (`authorityNotAfter`, milliseconds since the epoch).
 * Fails with SLUICE_CERTIFICATES_FAILED when a name cannot stand in a certificate, or when there is none.
 */
export async function signLeaf(input: {
  authority: Authority;
  authorityNotAfter: number;
  names: ServerNames;
  now: number;
}): Promise<KeyPair> {
  const { authority, names, now } = input;
  checkNames(names);
  const made = await generate([{ name: "commonName", value: "sluice-webhook" }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: new Date(now - BACKDATE_MS),
    notAfterDate: new Date(Math.min(now + LEAF_LIFE_MS, input.authorityNotAfter)),
    ca: { key: authority.key, cert: authority.cert },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          ...names.dns.map((value) => ({ type: 2 as const, value })),
          ...names.ips.map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  });
  return { cert: withNewline(made.cert), key: withNewline(made.private) };
}

/** The names under which an API server may dial a Service: it uses the third; people and probes use the others. */
export function serviceNames(service: string, namespace: string, clusterDomain: string): ServerNames {
  const inNamespace = `${service}.${namespace}`;
  return { dns: [service, inNamespace, `${inNamespace}.svc`, `${inNamespace}.svc.${clusterDomain}`], ips: [] };
}

function checkNames({ dns, ips }: ServerNames): void {
  const wrong = [...dns.filter((name) => !DNS_NAME.test(name)), ...ips.filter((ip) => isIP(ip) === 0)];
  if (wrong.length === 0 && dns.length + ips.length > 0) return;
  throw new SluiceError(
    "SLUICE_CERTIFICATES_FAILED",
    wrong.length > 0
      ? `a server certificate cannot be made for '${wrong[0]}': it is neither a DNS name nor an IP address`
      : "a server certificate cannot be made without a DNS name or an IP address",
    "name the host as clients dial it, for example sluice-webhook.sluice-system.svc",
  );
}

/** selfsigned ends its PEM without a newline, and two such texts one after the other are not a bundle. */
const withNewline = (pem: string): string => `${pem.trim().replaceAll("\r", "")}\n`;
