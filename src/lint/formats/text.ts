import { renderSummary, renderText } from "../render-text.ts";
import type { Format } from "./format.ts";

/** For people: each finding with its line and a caret, then notes and the count. */
export const textFormat: Format = ({ findings, summary }, { paint, lineOf, quiet, notes }) => {
  const shown = findings.length > 0 ? `${renderText(findings, { paint, lineOf })}\n` : "";
  if (quiet) return shown;
  const told = notes.map((note) => `${paint("faint", `note: ${note}`)}\n`).join("");
  return `${shown}${told}${renderSummary(summary)}\n`;
};
