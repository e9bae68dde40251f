import type { CharacterSet } from "./re2-class.ts";
import type { Re2Node, Re2Pattern } from "./re2-syntax.ts";

/** What one instruction of a program does; `first` and `second` are its operands. */
export const OP = {
  /** `first`: a code point; goes on behind it. */
  CHARACTER: 0,
  /** `first`: an index into `sets`. */
  SET: 1,
  /** `first`: where to go on first, `second`: where else. */
  EITHER: 2,
  /** `first`: where to go on. */
  JUMP: 3,
  /** `first`: the slot that takes the position. */
  SAVE: 4,
  /** `first`: an index into ASSERTIONS. */
  ASSERT: 5,
  MATCH: 6,
} as const;

export const ASSERTIONS = ["begin", "end", "boundary", "no-boundary"] as const;

/** Whether a code point is in a set. */
export type Accepts = (code: number) => boolean;

/** Instructions side by side; all but EITHER, JUMP and MATCH go on with the next one. */
export type Re2Program = {
  readonly ops: Uint8Array;
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly sets: readonly Accepts[];
  /** Two for each group, group 0 included. */
  readonly slots: number;
};

type Builder = {
  readonly ops: number[];
  readonly first: number[];
  readonly second: number[];
  readonly sets: Accepts[];
  readonly setIndex: Map<CharacterSet, number>;
};

/** Compiles a pattern as Thompson described it. Its size was bounded when the pattern was read. */
export function compileProgram({ root, groups }: Re2Pattern): Re2Program {
  const builder: Builder = { ops: [], first: [], second: [], sets: [], setIndex: new Map() };
  emitGroup(builder, 0, root);
  emit(builder, OP.MATCH);
  return {
    ops: Uint8Array.from(builder.ops),
    first: Int32Array.from(builder.first),
    second: Int32Array.from(builder.second),
    sets: builder.sets,
    slots: 2 * (groups.length + 1),
  };
}

/** Appends an instruction and says where it is. */
function emit(builder: Builder, op: number, first = 0, second = 0): number {
  builder.first.push(first);
  builder.second.push(second);
  return builder.ops.push(op) - 1;
}

const here = (builder: Builder): number => builder.ops.length;

function emitNode(builder: Builder, node: Re2Node): void {
  if (node.kind === "set") emitSet(builder, node.set);
  else if (node.kind === "assert") emit(builder, OP.ASSERT, ASSERTIONS.indexOf(node.at));
  else if (node.kind === "group") emitGroup(builder, node.index, node.body);
  else if (node.kind === "sequence") for (const item of node.items) emitNode(builder, item);
  else if (node.kind === "either") emitEither(builder, node.options);
  else emitRepeat(builder, node);
}

function emitGroup(builder: Builder, index: number, body: Re2Node): void {
  emit(builder, OP.SAVE, 2 * index);
  emitNode(builder, body);
  emit(builder, OP.SAVE, 2 * index + 1);
}

function emitSet(builder: Builder, set: CharacterSet): void {
  const [range] = set.ranges;
  const single = set.ranges.length === 1 && range?.[0] === range?.[1] && !set.negated && !set.ignoreCase;
  if (single && range !== undefined) {
    emit(builder, OP.CHARACTER, range[0]);
    return;
  }
  const known = builder.setIndex.get(set);
  const index = known ?? builder.sets.push(acceptsOf(set)) - 1;
  if (known === undefined) builder.setIndex.set(set, index);
  emit(builder, OP.SET, index);
}

function emitEither(builder: Builder, options: readonly Re2Node[]): void {
  const exits: number[] = [];
  for (const [place, option] of options.entries()) {
    const isLast = place === options.length - 1;
    const fork = isLast ? -1 : emit(builder, OP.EITHER, here(builder) + 1);
    emitNode(builder, option);
    if (isLast) break;
    exits.push(emit(builder, OP.JUMP));
    builder.second[fork] = here(builder);
  }
  for (const exit of exits) builder.first[exit] = here(builder);
}

type Repeat = Extract<Re2Node, { kind: "repeat" }>;

/** As Go writes it out: `x{2,4}` is `xx(?:x(?:x)?)?`, `x{2,}` is `xx+`. */
function emitRepeat(builder: Builder, { body, minimum, maximum, lazy }: Repeat): void {
  if (maximum === Number.POSITIVE_INFINITY) {
    for (let copy = 1; copy < minimum; copy += 1) emitNode(builder, body);
    if (minimum > 0) emitPlus(builder, body, lazy);
    else emitStar(builder, body, lazy);
    return;
  }
  for (let copy = 0; copy < minimum; copy += 1) emitNode(builder, body);
  const forks: number[] = [];
  for (let copy = minimum; copy < maximum; copy += 1) {
    forks.push(emit(builder, OP.EITHER));
    emitNode(builder, body);
  }
  for (const fork of forks) aim(builder, fork, { inside: fork + 1, outside: here(builder), lazy });
}

type Aim = { readonly inside: number; readonly outside: number; readonly lazy: boolean };

function aim(builder: Builder, fork: number, { inside, outside, lazy }: Aim): void {
  builder.first[fork] = lazy ? outside : inside;
  builder.second[fork] = lazy ? inside : outside;
}

function emitPlus(builder: Builder, body: Re2Node, lazy: boolean): void {
  const inside = here(builder);
  emitNode(builder, body);
  const fork = emit(builder, OP.EITHER);
  aim(builder, fork, { inside, outside: fork + 1, lazy });
}

function emitStar(builder: Builder, body: Re2Node, lazy: boolean): void {
  const fork = emit(builder, OP.EITHER);
  // An item that can be empty is `(?:x+)?`: a loop that comes back without a character would lose its turn (Go too).
  if (matchesEmpty(body)) emitPlus(builder, body, lazy);
  else {
    emitNode(builder, body);
    emit(builder, OP.JUMP, fork);
  }
  aim(builder, fork, { inside: fork + 1, outside: here(builder), lazy });
}

function matchesEmpty(node: Re2Node): boolean {
  switch (node.kind) {
    case "set":
      return false;
    case "assert":
      return true;
    case "group":
      return matchesEmpty(node.body);
    case "sequence":
      return node.items.every(matchesEmpty);
    case "either":
      return node.options.some(matchesEmpty);
    case "repeat":
      return node.minimum === 0 || matchesEmpty(node.body);
  }
}

/** Letters that fold to ASCII ones from outside (Unicode simple case folding): the Kelvin sign and the long s. */
const FOLDS: ReadonlyMap<number, number> = new Map([
  [0x6b, 0x212a],
  [0x73, 0x17f],
]);

function acceptsOf(set: CharacterSet): Accepts {
  const ascii = Uint8Array.from({ length: 128 }, (_, code) => (isMember(set, code) ? 1 : 0));
  return (code) => (code < 128 ? ascii[code] === 1 : isMember(set, code));
}

function isMember({ ranges, negated, ignoreCase }: CharacterSet, code: number): boolean {
  const codes = ignoreCase ? foldings(code) : [code];
  return codes.some((one) => ranges.some(([low, high]) => low <= one && one <= high)) !== negated;
}

/** A code point and those that are the same but for case. */
function foldings(code: number): number[] {
  const text = String.fromCodePoint(code);
  const lower = singleCode(text.toLowerCase(), code);
  const upper = singleCode(String.fromCodePoint(lower).toUpperCase(), code);
  return [code, lower, upper, FOLDS.get(lower) ?? code];
}

/** Mappings to more than one character are not simple folding: the code stays as it is. */
function singleCode(text: string, otherwise: number): number {
  const code = text.codePointAt(0) ?? otherwise;
  return text.length === String.fromCodePoint(code).length ? code : otherwise;
}
