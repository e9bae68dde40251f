import type { AddressInfo } from "node:net";
import { SluiceError } from "../model/errors.ts";
import { type AdmissionDependencies, type AdmissionServer, buildServer } from "./server.ts";
import { type ServerCertificate, secureContext } from "./tls.ts";

export type AdmissionInput = Omit<AdmissionDependencies, "draining"> & {
  /** `port` 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
};

/**
 * A running admission server. To stop without losing a review: say not ready, `drain`, wait until the API servers
 * have noticed (15 s), `close`.
 */
export type Admission = {
  readonly address: string;
  readonly port: number;
  /** New connections get the new certificate; open ones go on. A pair that does not fit throws and changes nothing. */
  reload(certificate: ServerCertificate): void;
  /** From now on every answer ends its connection, so that API servers go elsewhere. */
  drain(): void;
  /** Stops listening, waits for reviews under way for at most 10 s. */
  close(): Promise<void>;
};

/** Reviews take milliseconds; a connection that is still busy after this is stuck. */
const CLOSE_TIMEOUT_MS = 10_000;

/** Starts the admission server. Fails with SLUICE_LISTEN_FAILED or SLUICE_CERTIFICATES_FAILED. */
export async function startAdmission({ listen, ...dependencies }: AdmissionInput): Promise<Admission> {
  let draining = false;
  const server = build({ ...dependencies, draining: () => draining });
  try {
    await server.listen(listen);
  } catch (error) {
    throw listenError(listen, error);
  }
  const { address, port } = server.server.address() as AddressInfo;
  return {
    address,
    port,
    reload(certificate) {
      try {
        server.server.setSecureContext(secureContext(dependencies.tls, certificate));
      } catch (error) {
        throw certificateError(error);
      }
    },
    drain() {
      draining = true;
    },
    async close() {
      draining = true;
      const cut = setTimeout(() => server.server.closeAllConnections(), CLOSE_TIMEOUT_MS);
      await server.close();
      clearTimeout(cut);
    },
  };
}

function build(dependencies: AdmissionDependencies): AdmissionServer {
  try {
    return buildServer(dependencies);
  } catch (error) {
    throw certificateError(error);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const certificateError = (error: unknown): SluiceError =>
  new SluiceError(
    "SLUICE_CERTIFICATES_FAILED",
    `the admission server cannot use its certificate: ${messageOf(error)}`,
    "give a PEM certificate and the private key that belongs to it",
    error,
  );

function listenError({ host, port }: AdmissionInput["listen"], error: unknown): SluiceError {
  const code = (error as NodeJS.ErrnoException).code ?? messageOf(error);
  return new SluiceError(
    "SLUICE_LISTEN_FAILED",
    `cannot serve webhooks on ${host}:${port}: ${code}`,
    code === "EADDRINUSE" ? "another program uses the port; choose another admission port" : "choose another address",
    error,
  );
}
