import type { Log } from "../observe/log.ts";
import type { ServerNames } from "./authority.ts";
import { ensureCertificateFiles } from "./files.ts";
import { inspectPair, isCurrent } from "./inspect.ts";
import { pause } from "./pause.ts";
import { expirySamples, type ServerCertificate, samePair } from "./server-certificate.ts";
import type { Certificates } from "./start.ts";

const POLL_MS = 60_000;
const POLL_JITTER = 0.2;

type FileStoreInput = {
  readonly directory: string;
  readonly names: ServerNames;
  readonly log: Log;
  readonly now: () => number;
  readonly onChange: (certificate: ServerCertificate) => void;
  /** Time between two looks at files and clock; a minute unless told otherwise. */
  readonly pollMs?: number;
};

/**
 * Serves from the development store and looks at it once a minute: a certificate near its end is renewed, files that
 * somebody replaced are taken over. A folder that becomes unusable later is logged, and the last certificate served on.
 */
export async function startFileCertificates(input: FileStoreInput): Promise<Certificates> {
  const { log, now } = input;
  const pollMs = input.pollMs ?? POLL_MS;
  let current = await ensureCertificateFiles(input);
  input.onChange(current);
  const stop = new AbortController();

  const look = async (): Promise<void> => {
    const found = await ensureCertificateFiles(input);
    if (samePair(current, found)) return;
    input.onChange(found);
    current = found;
    log.info({ directory: input.directory }, "server certificate loaded");
  };
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await pause(pollMs * (1 + POLL_JITTER * (Math.random() - 0.5)), stop.signal);
      if (stop.signal.aborted) return;
      await look().catch((problem: unknown) => log.error({ err: problem }, "certificates not renewed"));
    }
  };
  const running = run();
  const problem = (): string | undefined => {
    const inspected = inspectPair(current);
    const valid = inspected.ok && isCurrent(inspected.value, now());
    return valid ? undefined : "the server certificate is not valid now";
  };
  return {
    current: () => current,
    problem,
    ready: () => problem() === undefined,
    samples: () => expirySamples(current, now()),
    close: async () => {
      stop.abort();
      await running;
    },
  };
}
