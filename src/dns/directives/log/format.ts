import type { LogLine } from "../../pipeline/serve.ts";
import { type LoggedAnswer, type LoggedValue, PLACEHOLDERS } from "./placeholders.ts";

/** `{type}`, `{>id}`, `{/forward/upstream}`; a linear pattern. */
const PLACEHOLDER = /\{([^{}\s]{1,64})\}/g;

type Part = { readonly name: string; readonly read: (logged: LoggedAnswer) => LoggedValue };

/** Nanoseconds, as Go's clock gives them. */
const DECIMALS = 9;

/** Seconds as the shortest decimal without an exponent: `0.000123s`. */
const durationText = (seconds: number): string => `${seconds.toFixed(DECIMALS).replace(/\.?0{1,9}$/, "")}s`;

/** Names in a format that stand for nothing: such text is logged as it stands. */
export const unknownPlaceholders = (format: string): readonly string[] =>
  [...format.matchAll(PLACEHOLDER)].map(([, name = ""]) => name).filter((name) => partOf(name) === undefined);

/** What stands behind a slash is metadata, which Sluice has none of: CoreDNS logs `-` for what is not there. */
function partOf(name: string): Part | "-" | undefined {
  if (name.startsWith("/")) return "-";
  const read = Object.hasOwn(PLACEHOLDERS, name) ? PLACEHOLDERS[name] : undefined;
  return read === undefined ? undefined : { name: name.replace(">", ""), read };
}

/** Takes a format apart once. Gives the line of an answer: its text, and as fields what the placeholders stand for. */
export function compileFormat(format: string): (logged: LoggedAnswer) => LogLine {
  const parts: (Part | string)[] = [];
  let end = 0;
  for (const { 0: text, 1: name = "", index } of format.matchAll(PLACEHOLDER)) {
    const part = partOf(name);
    if (part === undefined) continue;
    parts.push(format.slice(end, index), part);
    end = index + text.length;
  }
  parts.push(format.slice(end));
  return (logged) => {
    const fields: Record<string, LoggedValue> = {};
    let text = "";
    for (const part of parts) {
      if (typeof part === "string") text += part;
      else {
        const value = part.read(logged);
        fields[part.name] = value;
        text += part.name === "duration" ? durationText(Number(value)) : String(value);
      }
    }
    return { level: "info", text, fields };
  };
}
