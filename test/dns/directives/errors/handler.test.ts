import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createErrorsHandler } from "../../../../src/dns/directives/errors/handler.ts";
import type { ErrorsSettings } from "../../../../src/dns/directives/errors/setup.ts";
import { failed, refusal } from "../../../../src/dns/pipeline/answer.ts";
import type { Handler } from "../../../../src/dns/pipeline/serve.ts";
import { contextOf, exchangeOf } from "../../support/exchange.ts";
import { settingsOf } from "../load.ts";

const TIMEOUT = "read udp 127.0.0.1:4242->127.0.0.1:53: i/o timeout";

async function started(lines: string) {
  const context = contextOf();
  const handler: Handler = await createErrorsHandler(settingsOf(lines)[0] as ErrorsSettings, context);
  return {
    handler,
    /** Level and text of what has been logged. */
    logged: () => context.lines.map(({ level, text }) => `${level} ${text}`),
    lines: context.lines,
    fail: (cause: string, name = "drop.example.org", type = "A") =>
      handler.wrap(() => failed("forward", 23, "no answer", cause))(exchangeOf({ name, type })),
  };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("errors", () => {
  test("logs what went wrong as CoreDNS does", async () => {
    const { fail, logged, lines } = await started("errors");
    fail(TIMEOUT, "Drop.example.org");
    expect(logged()).toEqual([`error plugin/errors: 2 drop.example.org. A: ${TIMEOUT}`]);
    expect(lines[0]?.fields).toEqual({ rcode: 2, name: "drop.example.org.", type: "A", cause: TIMEOUT });
  });

  test("passes every answer on as it is, at once when it came at once", async () => {
    const { handler, logged } = await started("errors");
    const answer = refusal("acl", 5);
    expect(handler.wrap(() => answer)(exchangeOf({ name: "example.org" }))).toBe(answer);
    const late = failed("forward", 23, "no answer");
    expect(await handler.wrap(async () => late)(exchangeOf({ name: "example.org" }))).toBe(late);
    expect(logged()).toEqual(["error plugin/errors: 2 example.org. A: no answer"]);
  });

  test("keeps a line short", async () => {
    const { fail, lines } = await started("errors");
    fail("x".repeat(100_000));
    expect(lines[0]?.text.length).toBeLessThan(600);
  });

  test("names types that have no name with their number", async () => {
    const { fail, logged } = await started("errors");
    fail("x", "example.org", "TYPE65280");
    expect(logged()).toEqual(["error plugin/errors: 2 example.org. TYPE65280: x"]);
  });
});

describe("consolidate", () => {
  test("counts what matches and says so when the time is over", async () => {
    const { fail, logged } = await started('errors {\nconsolidate 30s "i/o timeout$"\n}');
    for (let i = 0; i < 3; i++) fail(TIMEOUT);
    expect(logged()).toEqual([]);
    vi.advanceTimersByTime(29_999);
    expect(logged()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(logged()).toEqual(["error plugin/errors: 3 errors like 'i/o timeout$' occurred in last 30s"]);
    vi.advanceTimersByTime(300_000);
    expect(logged()).toHaveLength(1);
  });

  test("logs others at once", async () => {
    const { fail, logged } = await started('errors {\nconsolidate 30s "i/o timeout$"\n}');
    fail("connection refused");
    expect(logged()).toEqual(["error plugin/errors: 2 drop.example.org. A: connection refused"]);
  });

  test("begins anew after each period", async () => {
    const { fail, logged } = await started('errors {\nconsolidate 5m "timeout" warning\n}');
    fail(TIMEOUT);
    vi.advanceTimersByTime(300_000);
    fail(TIMEOUT);
    fail(TIMEOUT);
    vi.advanceTimersByTime(300_000);
    expect(logged()).toEqual([
      "warning plugin/errors: 1 errors like 'timeout' occurred in last 5m0s",
      "warning plugin/errors: 2 errors like 'timeout' occurred in last 5m0s",
    ]);
  });

  test("with show_first logs the first at its level, and the count only of several", async () => {
    const { fail, logged } = await started('errors {\nconsolidate 30s "timeout" warning show_first\n}');
    fail(TIMEOUT);
    expect(logged()).toEqual([`warning plugin/errors: 2 drop.example.org. A: ${TIMEOUT}`]);
    vi.advanceTimersByTime(30_000);
    expect(logged()).toHaveLength(1);
    for (let i = 0; i < 3; i++) fail(TIMEOUT);
    vi.advanceTimersByTime(30_000);
    expect(logged().slice(1)).toEqual([
      `warning plugin/errors: 2 drop.example.org. A: ${TIMEOUT}`,
      "warning plugin/errors: 3 errors like 'timeout' occurred in last 30s",
    ]);
  });

  test("counts an error once, for the first line that matches", async () => {
    const { fail, logged } = await started('errors {\nconsolidate 1s "^read"\nconsolidate 1s "timeout"\n}');
    fail(TIMEOUT);
    fail("write timeout");
    vi.advanceTimersByTime(1000);
    expect(logged()).toEqual([
      "error plugin/errors: 1 errors like '^read' occurred in last 1s",
      "error plugin/errors: 1 errors like 'timeout' occurred in last 1s",
    ]);
  });
});
