import { destination, type Logger, pino, stdTimeFunctions } from "pino";

export type Log = Logger;
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Fields that never reach the log, wherever they stand. */
const REDACTED = [
  "*.authorization",
  "*.token",
  "*.password",
  "*.key",
  "*.privateKey",
  "*.caKey",
  "authorization",
  "token",
];

/**
 * The program's log: JSON lines on stderr (stdout belongs to commands' output), message constant and lower-case,
 * variable parts as fields. Asynchronous; `flush` before exit (a signal without a handler would lose the buffer).
 */
export function createLog(level: LogLevel): Log {
  return pino(
    { level, base: null, timestamp: stdTimeFunctions.isoTime, redact: { paths: REDACTED, censor: "[redacted]" } },
    destination({ fd: 2, sync: false, minLength: 0 }),
  );
}
