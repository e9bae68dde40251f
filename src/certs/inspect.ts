import { createPrivateKey, X509Certificate } from "node:crypto";
import { fail, ok, type Result } from "../model/result.ts";
import type { KeyPair, ServerNames } from "./authority.ts";

/** What a certificate says of itself; times are milliseconds since the epoch. */
export type Inspected = {
  readonly commonName: string;
  readonly ca: boolean;
  readonly notBefore: number;
  readonly notAfter: number;
  /** SHA-256 of the DER, hex with colons. */
  readonly fingerprint: string;
};

/** A bundle is read up to here: an API server stores objects up to 1.5 MiB, and a certificate of ours is 700 bytes. */
const MAX_BUNDLE_CHARS = 1_500_000;
const MAX_BUNDLE_CERTIFICATES = 1000;

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** Reads the first certificate of a PEM text. Never throws: bytes that are no certificate are a problem. */
export function inspectCertificate(pem: string): Result<Inspected> {
  const parsed = parse(pem);
  if (parsed === undefined) return fail("is not a PEM certificate");
  return ok({
    commonName: /^CN=(.*)$/m.exec(parsed.subject)?.[1] ?? "",
    ca: parsed.ca,
    notBefore: Date.parse(parsed.validFrom),
    notAfter: Date.parse(parsed.validTo),
    fingerprint: parsed.fingerprint256,
  });
}

/** Like inspectCertificate; a key that cannot be read or belongs to another certificate is a problem, too. */
export function inspectPair(pair: KeyPair): Result<Inspected> {
  const inspected = inspectCertificate(pair.cert);
  if (!inspected.ok) return inspected;
  try {
    return parse(pair.cert)?.checkPrivateKey(createPrivateKey(pair.key)) === true
      ? inspected
      : fail("does not belong to the private key beside it");
  } catch {
    return fail("has a private key beside it that cannot be read");
  }
}

/** Whether a certificate is within its validity at `now`. */
export const isCurrent = (inspected: Inspected, now: number): boolean =>
  inspected.notBefore <= now && now < inspected.notAfter;

/** Whether less than a third of the life is left: the moment to renew a leaf (webhooks: two thirds of its life). */
export const isDueForRenewal = ({ notBefore, notAfter }: Inspected, now: number): boolean =>
  notAfter - now < (notAfter - notBefore) / 3;

/** Days until NotAfter, with fractions; negative once it is past. */
export const daysLeft = (inspected: Inspected, now: number): number => (inspected.notAfter - now) / 86_400_000;

/** The certificates of a PEM bundle in their order, each with a newline at the end. Text between them is passed over. */
export function splitBundle(pem: string): readonly string[] {
  const found = pem.slice(0, MAX_BUNDLE_CHARS).match(PEM_CERTIFICATE) ?? [];
  return found.slice(0, MAX_BUNDLE_CERTIFICATES).map((certificate) => `${certificate.replaceAll("\r", "")}\n`);
}

/** The CA of `bundle` that signed the leaf and is valid at `now`; undefined when none did. */
export function issuerIn(leafPem: string, bundle: string, now: number): Inspected | undefined {
  const leaf = parse(leafPem);
  if (leaf === undefined) return undefined;
  for (const pem of splitBundle(bundle)) {
    const candidate = parse(pem);
    if (candidate === undefined || !signs(candidate, leaf)) continue;
    const inspected = inspectCertificate(pem);
    if (inspected.ok && isCurrent(inspected.value, now)) return inspected.value;
  }
  return undefined;
}

/** Whether a certificate stands for exactly these names: one that is missing or one too many is a difference. */
export function hasNames(certPem: string, names: ServerNames): boolean {
  const parsed = parse(certPem);
  if (parsed === undefined) return false;
  const listed = (parsed.subjectAltName ?? "").split(", ").filter((entry) => entry !== "").length;
  return (
    listed === names.dns.length + names.ips.length &&
    names.dns.every((name) => parsed.checkHost(name, { subject: "never", wildcards: false }) !== undefined) &&
    names.ips.every((ip) => parsed.checkIP(ip) !== undefined)
  );
}

function signs(issuer: X509Certificate, leaf: X509Certificate): boolean {
  try {
    return issuer.ca && leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
