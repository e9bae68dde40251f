import type { AlikeLines, LogLine } from "../pipeline/serve.ts";

/** Lines that are sent together. */
const MAX_LINES = 200;
/** How long a line waits for others. */
const WAIT_MILLISECONDS = 20;
/** Lines of one batch time beyond this are not sent but counted: a flood of questions must not fill the memory. */
const MAX_WAITING = 10_000;

/** Lines that are alike, and the first of them. */
export type CountedLines = {
  readonly group: AlikeLines;
  readonly times: number;
  readonly first: Pick<LogLine, "text" | "fields">;
};

/** Collects lines for the main thread, since each message between threads costs more than an answer. */
export type LineBatch = {
  readonly add: (line: LogLine) => void;
  /** Of lines that are alike one is sent, with the number of all: there are as many groups as the Corefile says. */
  readonly addAlike: (group: AlikeLines, line: CountedLines["first"]) => void;
  readonly flush: () => void;
};

type SendLines = (lines: readonly LogLine[], alike: readonly CountedLines[]) => void;

export function createLineBatch(send: SendLines): LineBatch {
  const alike = new Map<string, CountedLines>();
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
    if (lines.length > 0 || alike.size > 0) send(lines, [...alike.values()]);
    alike.clear();
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
      send(lines, []);
      lines = [];
    },
    addAlike(group, line) {
      const { times, first } = alike.get(group.key) ?? { times: 0, first: line };
      alike.set(group.key, { group, times: times + 1, first });
      timer ??= setTimeout(flush, WAIT_MILLISECONDS);
    },
    flush,
  };
}
