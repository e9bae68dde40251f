import type { StoredSecret } from "./cluster-api.ts";
import type { ServerCertificate } from "./server-certificate.ts";

/** The Secret, of type kubernetes.io/tls, that every replica serves from. */
export const SERVER_SECRET = "sluice-tls";

/** The certificate in the TLS Secret, unchecked; undefined when there is no Secret. A key that is absent reads as "". */
export function readServerSecret(secret: StoredSecret | undefined): ServerCertificate | undefined {
  if (secret === undefined) return undefined;
  const { "tls.crt": cert = "", "tls.key": key = "", "ca.crt": caBundle = "" } = secret.data;
  return { cert, key, caBundle };
}

/** The data of the TLS Secret; `generation` is that of the CA which signed, for people and for a later rotation. */
export const serverData = (certificate: ServerCertificate, generation: number): Readonly<Record<string, string>> => ({
  "tls.crt": certificate.cert,
  "tls.key": certificate.key,
  "ca.crt": certificate.caBundle,
  generation: String(generation),
});
