import type { MetricSample } from "../observe/sample.ts";
import { inspectCertificate, issuerIn } from "./inspect.ts";

/** What the HTTPS server presents (`cert`, `key`) and what its clients must trust (`caBundle`); all PEM. */
export type ServerCertificate = { readonly cert: string; readonly key: string; readonly caBundle: string };

/** Whether two certificates are the same for a server: the bundle may differ, it is not presented. */
export const samePair = (a: ServerCertificate | undefined, b: ServerCertificate): boolean =>
  a?.cert === b.cert && a.key === b.key;

const NOT_AFTER = {
  name: "sluice_cert_not_after_seconds",
  help: "When the certificate in use ends, in seconds since the epoch.",
  type: "gauge",
} as const;

/** Expiry of the leaf in use and of the CA that signed it: alert when either is nearer than two weeks. */
export function expirySamples(current: ServerCertificate | undefined, now: number): readonly MetricSample[] {
  if (current === undefined) return [];
  const leaf = inspectCertificate(current.cert);
  const issuer = issuerIn(current.cert, current.caBundle, now);
  return [
    ...(leaf.ok ? [{ ...NOT_AFTER, labels: { kind: "leaf" }, value: leaf.value.notAfter / 1000 }] : []),
    ...(issuer === undefined ? [] : [{ ...NOT_AFTER, labels: { kind: "ca" }, value: issuer.notAfter / 1000 }]),
  ];
}
