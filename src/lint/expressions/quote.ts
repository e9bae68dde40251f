/** Longer text is cut in messages; the excerpt below them shows the whole line. */
const MAX_QUOTED = 80;

/** Text of an expression as it stands in a message: on one line, cut, in backticks. */
export function quote(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  return `\`${line.length > MAX_QUOTED ? `${line.slice(0, MAX_QUOTED - 1)}…` : line}\``;
}

/** The text as a CEL string, which is how a map key is written: in single quotes, unless it holds one. */
export const celString = (text: string): string => (text.includes("'") ? JSON.stringify(text) : `'${text}'`);
