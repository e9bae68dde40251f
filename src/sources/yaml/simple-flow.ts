import { keyAt, NOT_SIMPLE, plainValue, quotedAt, type Simple, type SimpleText } from "./simple-scalar.ts";

/** Deeper text is left to the real parser, which has a limit to report. */
export const MAX_SIMPLE_DEPTH = 50;

/** A plain scalar in brackets: no character that may mean something there, save for a colon or dash inside it. */
const FLOW_PLAIN = /[A-Za-z0-9_/](?:[A-Za-z0-9_/.@%+=*$()~^;<>!&?|-]|:(?=[A-Za-z0-9_/.])| (?=[A-Za-z0-9_/(]))*/y;

/** Skips blanks and line breaks; a line inside brackets must be indented more than what is around the brackets. */
function skip(state: SimpleText, indent: number): boolean {
  const { text } = state;
  for (;;) {
    while (text[state.at] === " ") state.at++;
    if (text[state.at] !== "\n") return state.at < state.end;
    let next = state.at + 1;
    while (text[next] === " ") next++;
    if (text[next] !== "\n" && next - state.at - 1 <= indent) return false;
    state.at = next;
  }
}

/** A list, a map, a quoted text or a plain scalar inside brackets. */
function flowValue(state: SimpleText, indent: number, depth: number): Simple<unknown> {
  const first = state.text[state.at];
  state.tokens += 4;
  if (depth > MAX_SIMPLE_DEPTH) return NOT_SIMPLE;
  if (first === "[") return flowList(state, indent, depth);
  if (first === "{") return flowMap(state, indent, depth);
  if (first === '"' || first === "'") return quotedAt(state);
  FLOW_PLAIN.lastIndex = state.at;
  const [source] = FLOW_PLAIN.exec(state.text) ?? [];
  if (source === undefined) return NOT_SIMPLE;
  state.at += source.length;
  return plainValue(source);
}

/** Reads the separator after an item: true when another item follows. */
function another(state: SimpleText, indent: number, close: string): Simple<boolean> {
  if (!skip(state, indent)) return NOT_SIMPLE;
  const mark = state.text[state.at];
  state.at++;
  if (mark === close) return false;
  return mark === "," && skip(state, indent) ? true : NOT_SIMPLE;
}

function flowList(state: SimpleText, indent: number, depth: number): Simple<unknown[]> {
  const items: unknown[] = [];
  state.at++;
  if (!skip(state, indent)) return NOT_SIMPLE;
  if (state.text[state.at] === "]") {
    state.at++;
    return items;
  }
  for (;;) {
    const item = flowValue(state, indent, depth + 1);
    if (item === NOT_SIMPLE) return NOT_SIMPLE;
    items.push(item);
    const more = another(state, indent, "]");
    if (more === NOT_SIMPLE) return NOT_SIMPLE;
    if (!more) return items;
  }
}

function flowMap(state: SimpleText, indent: number, depth: number): Simple<Record<string, unknown>> {
  const map: Record<string, unknown> = {};
  state.at++;
  if (!skip(state, indent)) return NOT_SIMPLE;
  if (state.text[state.at] === "}") {
    state.at++;
    return map;
  }
  for (;;) {
    const key = keyAt(state);
    if (key === undefined || key === NOT_SIMPLE || Object.hasOwn(map, key) || !skip(state, indent)) return NOT_SIMPLE;
    const value = flowValue(state, indent, depth + 1);
    if (value === NOT_SIMPLE) return NOT_SIMPLE;
    map[key] = value;
    const more = another(state, indent, "}");
    if (more === NOT_SIMPLE) return NOT_SIMPLE;
    if (!more) return map;
  }
}

/** A list or map in brackets; `indent` is that of the block around it, -1 at the top. */
export const flowAt = (state: SimpleText, indent: number, depth: number): Simple<unknown> =>
  flowValue(state, indent, depth);
