/** CoreDNS's words for pino's levels, from the least severe. */
const LEVELS: readonly (readonly [number, string])[] = [
  [20, "DEBUG"],
  [30, "INFO"],
  [40, "WARNING"],
  [50, "ERROR"],
];

const levelText = (level: unknown): string => LEVELS.find(([number]) => Number(level) <= number)?.[1] ?? "FATAL";

/** What JSON would escape in a text: a line break in a value must not look like another line of the log. */
const escapeControls = (text: string): string =>
  /\p{Cc}/u.test(text) ? JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("\\\\", "\\") : text;

/**
 * A line of JSON as CoreDNS would write it: `[INFO] text`, and fields as `name=value` behind it. Time is left out, as
 * CoreDNS does: whoever collects the lines adds it.
 */
export function bareLine(json: string): string {
  const { level, time: _time, msg, ...fields } = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const parts = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `[${levelText(level)}] ${[escapeControls(String(msg ?? "")), ...parts].join(" ")}\n`;
}
