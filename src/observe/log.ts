import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from "pino";
import { bareLine } from "./bare-line.ts";

export type Log = Logger;
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";
/** `json`: one object a line. `coredns`: `[INFO] text`, for tools that read CoreDNS's log. */
export type LogFormat = "coredns" | "json";

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

/** Where lines go: the standard error stream (stdout belongs to commands' output). */
type Sink = DestinationStream & { flush(done?: (error?: Error) => void): void };

/**
 * The program's log: JSON lines, message constant and lower-case, variable parts as fields; or the same as CoreDNS
 * writes. Asynchronous; `flush` before exit (a signal without a handler would lose the buffer).
 */
export function createLog(
  level: LogLevel,
  format: LogFormat = "json",
  sink: Sink = destination({ fd: 2, sync: false, minLength: 0 }),
): Log {
  return pino(
    { level, base: null, timestamp: stdTimeFunctions.isoTime, redact: { paths: REDACTED, censor: "[redacted]" } },
    format === "json" ? sink : inCorednsFormat(sink),
  );
}

/** Also for lines of other libraries' making: all go through pino, and so keep its level, redaction and order. */
const inCorednsFormat = (sink: Sink): Sink => ({
  write: (json) => sink.write(bareLine(json)),
  flush: (done) => sink.flush(done),
});

/** A line of the log that a worker thread asks for. */
export type PrintableLine = {
  readonly level: "debug" | "info" | "warning" | "error";
  readonly text: string;
  readonly fields?: Readonly<Record<string, string | number | boolean>>;
};

/**
 * Prints lines of worker threads: as JSON the text is `msg` and its parts are fields; in CoreDNS's format the text is all
 * there is, because it names the parts already.
 */
export function createLinePrinter(log: Log, format: LogFormat): (line: PrintableLine) => void {
  return ({ level, text, fields }) => {
    const at = level === "warning" ? "warn" : level;
    if (format === "json" && fields !== undefined) log[at](fields, text);
    else log[at](text);
  };
}
