import type { LogLine } from "../pipeline/serve.ts";

/** Lines that are sent together. */
const MAX_LINES = 200;
/** How long a line waits for others. */
const WAIT_MILLISECONDS = 20;
/** Lines of one batch time beyond this are not sent but counted: a flood of questions must not fill the memory. */
const MAX_WAITING = 10_000;

/** Collects lines for the main thread, since each message between threads costs more than an answer. */
export type LineBatch = { readonly add: (line: LogLine) => void; readonly flush: () => void };

export function createLineBatch(send: (lines: readonly LogLine[]) => void): LineBatch {
  let lines: LogLine[] = [];
  let sent = 0;
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    sent = 0;
    if (dropped > 0) lines.push({ level: "warning", text: `log: ${dropped} lines left out, too many at once` });
    dropped = 0;
    if (lines.length > 0) send(lines);
    lines = [];
  };
  return {
    add(line) {
      if (sent + lines.length >= MAX_WAITING) {
        dropped++;
        return;
      }
      lines.push(line);
      timer ??= setTimeout(flush, WAIT_MILLISECONDS);
      if (lines.length < MAX_LINES) return;
      sent += lines.length;
      send(lines);
      lines = [];
    },
    flush,
  };
}
