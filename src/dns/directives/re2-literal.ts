import type { Re2Node } from "./re2-syntax.ts";

/**
 * A test of plain text for patterns that are only that, such as `.* i/o timeout$` or `^example\.org\.$`; undefined for
 * others. It holds for texts without line ends, which `.` does not match.
 */
export function literalTest(root: Re2Node): ((text: string) => boolean) | undefined {
  const items = [...(root.kind === "sequence" ? root.items : [root])];
  const begins = isAssertion(items[0], "begin");
  if (begins) items.shift();
  const ends = isAssertion(items.at(-1), "end");
  if (ends) items.pop();
  const openFront = isAnything(items[0]);
  if (openFront) items.shift();
  const openBack = isAnything(items.at(-1));
  if (openBack) items.pop();
  const codes = items.map(singleCode);
  if (codes.includes(undefined)) return undefined;
  const literal = String.fromCodePoint(...codes.map((code) => code ?? 0));
  return textTest(literal, begins && !openFront, ends && !openBack);
}

function textTest(literal: string, atFront: boolean, atBack: boolean): (text: string) => boolean {
  if (atFront && atBack) return (text) => text === literal;
  if (atFront) return (text) => text.startsWith(literal);
  if (atBack) return (text) => text.endsWith(literal);
  return (text) => text.includes(literal);
}

const isAssertion = (node: Re2Node | undefined, at: "begin" | "end"): boolean =>
  node?.kind === "assert" && node.at === at;

/** `.*`, greedy or not. */
function isAnything(node: Re2Node | undefined): boolean {
  if (node?.kind !== "repeat" || node.minimum > 0 || node.maximum !== Number.POSITIVE_INFINITY) return false;
  if (node.body.kind !== "set" || !node.body.set.negated) return false;
  return node.body.set.ranges.every(([low, high]) => low === 10 && high === 10);
}

function singleCode(node: Re2Node): number | undefined {
  if (node.kind !== "set" || node.set.negated || node.set.ignoreCase || node.set.ranges.length !== 1) return undefined;
  const [range] = node.set.ranges;
  return range !== undefined && range[0] === range[1] ? range[0] : undefined;
}

/** The longest text that every match must hold, "" when there is none: a text without it needs no search. */
export function requiredText(root: Re2Node): string {
  const runs = [""];
  collectRuns(root, runs);
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), "");
}

/** Appends what must follow each other to the last run, and begins another behind anything else. */
function collectRuns(node: Re2Node, runs: string[]): void {
  const code = singleCode(node);
  if (code !== undefined) runs[runs.length - 1] += String.fromCodePoint(code);
  else if (node.kind === "group") collectRuns(node.body, runs);
  else if (node.kind === "sequence") for (const item of node.items) collectRuns(item, runs);
  else if (node.kind !== "assert") runs.push("");
}
