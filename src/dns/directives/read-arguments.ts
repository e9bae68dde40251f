import { parseGoDuration } from "../../model/go-duration.ts";
import type { CorefileLine } from "../corefile/corefile.ts";
import { type Token, unsetNote } from "../corefile/token.ts";
import { parseZones, shorten } from "../corefile/zone.ts";
import type { SetupContext } from "./directive.ts";

export type ListenAddress = { readonly host: string; readonly port: number };

/** Reports a wrong number of arguments in Caddy's words, with the form that is right. */
export function wrongCount(line: CorefileLine, form: string, context: SetupContext): undefined {
  const last = line.args.at(-1) ?? line.name;
  const message = `Wrong argument count or unexpected line ending after '${shorten(last.text)}', write '${form}'`;
  return context.error(last, `${message}${unsetNote(last)}`);
}

export type Shape = {
  readonly form: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly block?: boolean;
};

/** Checks how many arguments a line has, and that it has no block unless it may. False after a report. */
export function hasShape(line: CorefileLine, shape: Shape, context: SetupContext): boolean {
  const { form, minimum = 0, maximum = minimum, block = false } = shape;
  const count = line.args.length;
  if (count < minimum || count > maximum) {
    wrongCount(line, form, context);
    return false;
  }
  if (line.block !== undefined && !block) {
    context.error(line.name, `'${line.name.text}' takes no block, write '${form}'`);
    return false;
  }
  return true;
}

export type DurationBounds = {
  /** What the value is, for messages. */
  readonly what: string;
  readonly minimumMs?: number;
  readonly maximumMs?: number;
};

/** A Go duration in milliseconds, not below zero. */
export function readDuration(token: Token, bounds: DurationBounds, context: SetupContext): number | undefined {
  const { what, minimumMs = 0, maximumMs } = bounds;
  const value = parseGoDuration(token.text);
  if (value === undefined) {
    return context.error(
      token,
      `${what}: time: invalid duration "${shorten(token.text)}", write it as 300ms, 1.5s or 1h30m`,
    );
  }
  if (value < 0) return context.error(token, `${what} can't be negative: ${token.text}`);
  if (value < minimumMs) return context.error(token, `${what} must be at least ${formatMs(minimumMs)}: ${token.text}`);
  if (maximumMs !== undefined && value > maximumMs) {
    return context.error(token, `${what} must be at most ${formatMs(maximumMs)}: ${token.text}`);
  }
  return value;
}

const formatMs = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);

export type IntegerBounds = { readonly what: string; readonly minimum: number; readonly maximum: number };

export function readInteger(token: Token, bounds: IntegerBounds, context: SetupContext): number | undefined {
  const { what, minimum, maximum } = bounds;
  const value = /^[+-]?\d{1,15}$/.test(token.text) ? Number(token.text) : Number.NaN;
  if (Number.isNaN(value)) return context.error(token, `${what} is not a whole number: '${shorten(token.text)}'`);
  if (value < minimum && minimum === 0) return context.error(token, `${what} can't be negative: ${token.text}`);
  if (value < minimum || value > maximum) {
    return context.error(token, `${what} must be from ${minimum} to ${maximum}: ${token.text}`);
  }
  return value;
}

/** Zones of a directive; without arguments those of the server block. A CIDR becomes its reverse zones. */
export function readZones(tokens: readonly Token[], context: SetupContext): readonly string[] {
  if (tokens.length === 0) return context.zones;
  return tokens.flatMap((token) => {
    const zones = parseZones(token.text);
    if (zones.ok) return zones.value;
    context.error(token, zones.problems.join("; "));
    return [];
  });
}

/** One of a few words. */
export function readWord<W extends string>(
  token: Token,
  { what, words }: { readonly what: string; readonly words: readonly W[] },
  context: SetupContext,
): W | undefined {
  const found = words.find((word) => word === token.text.toLowerCase());
  return found ?? context.error(token, `invalid ${what} '${shorten(token.text)}', write ${orList(words)}`);
}

export const orList = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;

/** `:8080`, `127.0.0.1:8080`, `[::1]:8080`; an empty host is all addresses. */
export function readListenAddress(token: Token, context: SetupContext): ListenAddress | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.%]{2,60})\]|([^:[\]]{0,253})):(\d{1,5})$/.exec(token.text);
  if (match === null) {
    const why = token.text.includes(":") ? "must be HOST:PORT or :PORT" : "missing port in address";
    return context.error(token, `address ${shorten(token.text)}: ${why}`);
  }
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) return context.error(token, `address ${token.text}: port must be from 1 to 65535`);
  return { host: match[1] ?? match[2] ?? "", port };
}
