import { describe, expect, test } from "vitest";
import { createLinePrinter, createLog, type LogFormat, type LogLevel } from "../../src/observe/log.ts";

const started = (format: LogFormat, level: LogLevel = "debug") => {
  const lines: string[] = [];
  const sink = { write: (line: string) => void lines.push(line), flush: (done?: () => void) => done?.() };
  const log = createLog(level, format, sink);
  return { log, lines, print: createLinePrinter(log, format) };
};

const LINE = {
  level: "error",
  text: "plugin/errors: 2 example.org. A: i/o timeout",
  fields: { name: "example.org.", rcode: 2, do: false },
} as const;

describe("the log as JSON", () => {
  test("has the line as msg and its parts as fields", () => {
    const { lines, print } = started("json");
    print(LINE);
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      level: 50,
      time: expect.any(String),
      name: "example.org.",
      rcode: 2,
      do: false,
      msg: LINE.text,
    });
  });
});

describe("the log as CoreDNS writes it", () => {
  test.each([
    ["debug", "[DEBUG] x\n"],
    ["info", "[INFO] x\n"],
    ["warning", "[WARNING] x\n"],
    ["error", "[ERROR] x\n"],
  ] as const)("has a line of level %s as %j", (level, text) => {
    const { lines, print } = started("coredns");
    print({ level, text: "x", fields: { rcode: 2 } });
    expect(lines).toEqual([text]);
  });

  test("keeps quotes and backslashes of a line", () => {
    const { lines, print } = started("coredns");
    const text = '127.0.0.1:4242 - 1 "A IN a\\032b. udp 29 false 512" NOERROR qr 45 0.1s';
    print({ level: "info", text });
    expect(lines).toEqual([`[INFO] ${text}\n`]);
  });

  test("has the program's own fields behind the text", () => {
    const { lines, log } = started("coredns");
    log.info({ roles: ["dns"], seconds: 5 }, "stopping");
    log.fatal("gone");
    expect(lines).toEqual(['[INFO] stopping roles=["dns"] seconds=5\n', "[FATAL] gone\n"]);
  });

  test("keeps to one line a message, and to what is secret", () => {
    const { lines, log } = started("coredns");
    log.warn({ token: "s3cret", text: "a\nb" }, "first\n[INFO] second");
    expect(lines).toEqual(['[WARNING] first\\n[INFO] second token="[redacted]" text="a\\nb"\n']);
  });

  test("keeps to its level", () => {
    const { lines, print } = started("coredns", "warn");
    print({ level: "info", text: "no" });
    print({ level: "warning", text: "yes" });
    expect(lines).toEqual(["[WARNING] yes\n"]);
  });

  test("can be flushed", async () => {
    const { log } = started("coredns");
    await new Promise<void>((resolve) => log.flush(() => resolve()));
  });
});
