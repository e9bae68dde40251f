import { constants } from "node:crypto";
import type { SecureContextOptions, TLSSocket } from "node:tls";

/** A certificate with its key, PEM; `cert` may hold the chain. */
export type ServerCertificate = { readonly cert: string; readonly key: string };

/** How the admission port speaks TLS. */
export type AdmissionTls = {
  readonly certificate: ServerCertificate;
  /** The API server speaks 1.3 since Kubernetes 1.14's Go; 1.2 is for proxies in between. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  /** PEM of the CA that signs the API server's client certificate; asking for one is off without it. */
  readonly clientCa?: string;
  /** Common names or DNS names of clients that may call; every client of the CA when empty. */
  readonly clientNames?: readonly string[];
};

/**
 * Options of one secure context. All of them are given anew when the certificate changes: leaving out the client CA
 * would turn its check off.
 */
export function secureContext({ minVersion = "TLSv1.3", clientCa }: AdmissionTls, { cert, key }: ServerCertificate) {
  return {
    cert,
    key,
    minVersion,
    // A resumed session would skip the check of the client's certificate.
    ...(clientCa === undefined ? {} : { ca: clientCa, secureOptions: constants.SSL_OP_NO_TICKET }),
  } satisfies SecureContextOptions;
}

/** Options of the server's socket: HTTP/1.1 only, which the API server insists on (kubernetes issue 75791). */
export const socketOptions = ({ clientCa }: AdmissionTls) => ({
  ALPNProtocols: ["http/1.1"],
  // Whom to refuse is decided on the request, where it can be answered and counted.
  ...(clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: false }),
});

/** Whether a connection may send reviews. */
export function isTrustedClient(socket: TLSSocket, { clientCa, clientNames = [] }: AdmissionTls): boolean {
  if (clientCa === undefined) return true;
  if (!socket.authorized) return false;
  if (clientNames.length === 0) return true;
  const { subject, subjectaltname = "" } = socket.getPeerCertificate();
  const dnsNames = subjectaltname.split(", ").map((name) => name.replace(/^DNS:/, ""));
  return [subject?.CN, ...dnsNames].some((name) => typeof name === "string" && clientNames.includes(name));
}
