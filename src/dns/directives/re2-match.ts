import { literalTest, requiredText } from "./re2-literal.ts";
import { ASSERTIONS, compileProgram, OP, type Re2Program } from "./re2-program.ts";
import type { Re2Pattern } from "./re2-syntax.ts";

/** Where a pattern was found. A group that took no part is "", as Go gives it. */
export type Re2Match = {
  /** Where it begins and ends in the text, in UTF-16 units. */
  readonly index: number;
  readonly end: number;
  /** By number; group 0 is the whole match. */
  readonly groups: readonly string[];
  /** Those that have a name. It has no prototype: any name may be looked up. */
  readonly named: Readonly<Record<string, string>>;
};

/** A compiled pattern. Not anchored unless the pattern is; leftmost-first as Go's `regexp` and Perl. */
export type Re2Matcher = {
  match(text: string): Re2Match | undefined;
  test(text: string): boolean;
};

/** Threads in order of priority: a set of instructions, with the capture slots of each that waits for a character. */
type Threads = {
  readonly dense: Int32Array;
  readonly sparse: Int32Array;
  readonly slots: Int32Array;
  count: number;
};

type Machine = {
  readonly program: Re2Program;
  /** 0 when only a yes or no is wanted. */
  readonly slots: number;
  readonly stack: Int32Array;
  /** Slots of the thread at hand. */
  readonly current: Int32Array;
  readonly found: Int32Array;
  here: Threads;
  next: Threads;
  text: string;
};

/**
 * Makes a matcher that needs time linear in text times program and no memory per match but its result: Pike's machine,
 * which follows all threads at once.
 */
export function compileRe2(pattern: Re2Pattern): Re2Matcher {
  const program = compileProgram(pattern);
  const anchored = program.ops[1] === OP.ASSERT && program.first[1] === 0;
  const tester = createMachine(program, 0);
  const literal = literalTest(pattern.root);
  const required = requiredText(pattern.root);
  let finder: Machine | undefined;
  const test = (text: string): boolean => {
    if (literal !== undefined && !text.includes("\n")) return literal(text);
    return text.includes(required) && run(tester, text, anchored);
  };
  return {
    test,
    match(text) {
      if (literal === undefined ? !text.includes(required) : !test(text)) return undefined;
      finder ??= createMachine(program, program.slots);
      return run(finder, text, anchored) ? matchOf(pattern, text, finder.found) : undefined;
    },
  };
}

function createMachine(program: Re2Program, slots: number): Machine {
  const size = program.ops.length;
  const threads = (): Threads => ({
    dense: new Int32Array(size),
    sparse: new Int32Array(size),
    slots: new Int32Array(size * slots),
    count: 0,
  });
  return {
    program,
    slots,
    // An instruction is reached once for each character and leaves two numbers at most.
    stack: new Int32Array(2 * size + 2),
    current: new Int32Array(slots),
    found: new Int32Array(slots),
    here: threads(),
    next: threads(),
    text: "",
  };
}

/** Searches; `found` holds the slots afterwards. */
function run(machine: Machine, text: string, anchored: boolean): boolean {
  machine.text = text;
  machine.here.count = 0;
  let matched = false;
  for (let position = 0; position <= text.length; ) {
    if (machine.here.count === 0 && (matched || (anchored && position > 0))) break;
    if (!matched && !(anchored && position > 0)) {
      machine.current.fill(-1);
      follow(machine, machine.here, { start: 0, position });
    }
    const code = text.codePointAt(position) ?? -1;
    const after = position + (code > 0xffff ? 2 : 1);
    if (step(machine, code, after)) {
      if (machine.slots === 0) return true;
      matched = true;
    }
    swap(machine);
    position = after;
  }
  return matched;
}

function swap(machine: Machine): void {
  const { here } = machine;
  machine.here = machine.next;
  machine.next = here;
  here.count = 0;
}

/** Lets every thread take one character; true when one has matched, which ends those behind it. */
function step(machine: Machine, code: number, after: number): boolean {
  const { program, here, next, slots } = machine;
  for (let place = 0; place < here.count; place += 1) {
    const at = here.dense[place] as number;
    if (program.ops[at] === OP.MATCH) {
      for (let slot = 0; slot < slots; slot += 1) machine.found[slot] = here.slots[at * slots + slot] as number;
      return true;
    }
    if (!takes(program, at, code)) continue;
    for (let slot = 0; slot < slots; slot += 1) machine.current[slot] = here.slots[at * slots + slot] as number;
    follow(machine, next, { start: at + 1, position: after });
  }
  return false;
}

function takes(program: Re2Program, at: number, code: number): boolean {
  const op = program.ops[at];
  if (op === OP.CHARACTER) return program.first[at] === code;
  return op === OP.SET && code >= 0 && program.sets[program.first[at] as number]?.(code) === true;
}

type From = { readonly start: number; readonly position: number };

/**
 * Adds all that `start` leads to without a character, by priority. The stack holds instructions still to visit, and,
 * as a value below its slot's negative number, what a slot held before this branch.
 */
function follow(machine: Machine, threads: Threads, { start, position }: From): void {
  const { stack, current } = machine;
  let height = 1;
  stack[0] = start;
  while (height > 0) {
    height -= 1;
    const at = stack[height] as number;
    if (at < 0) {
      height -= 1;
      current[-1 - at] = stack[height] as number;
      continue;
    }
    if (enter(threads, at)) height = advance(machine, threads, { at, position, height });
  }
}

/** Marks an instruction as reached; false when it was already, by a thread of higher priority. */
function enter(threads: Threads, at: number): boolean {
  const place = threads.sparse[at] as number;
  if (place < threads.count && threads.dense[place] === at) return false;
  threads.sparse[at] = threads.count;
  threads.dense[threads.count] = at;
  threads.count += 1;
  return true;
}

type Place = { readonly at: number; readonly position: number; readonly height: number };

/** Pushes what follows one instruction; the stack's new height. */
function advance(machine: Machine, threads: Threads, { at, position, height }: Place): number {
  const { program, stack, current, slots } = machine;
  const first = program.first[at] as number;
  switch (program.ops[at]) {
    case OP.EITHER:
      stack[height] = program.second[at] as number;
      stack[height + 1] = first;
      return height + 2;
    case OP.JUMP:
      stack[height] = first;
      return height + 1;
    case OP.SAVE:
      return save(machine, { at, position, height });
    case OP.ASSERT:
      if (!holds(machine.text, position, ASSERTIONS[first])) return height;
      stack[height] = at + 1;
      return height + 1;
    default:
      for (let slot = 0; slot < slots; slot += 1) threads.slots[at * slots + slot] = current[slot] as number;
      return height;
  }
}

function save({ program, stack, current, slots }: Machine, { at, position, height }: Place): number {
  if (slots === 0) {
    stack[height] = at + 1;
    return height + 1;
  }
  const slot = program.first[at] as number;
  stack[height] = current[slot] as number;
  stack[height + 1] = -1 - slot;
  stack[height + 2] = at + 1;
  current[slot] = position;
  return height + 3;
}

function holds(text: string, position: number, assertion: (typeof ASSERTIONS)[number] | undefined): boolean {
  if (assertion === "begin") return position === 0;
  if (assertion === "end") return position === text.length;
  const boundary = isWord(text, position - 1) !== isWord(text, position);
  return boundary === (assertion === "boundary");
}

/** ASCII only, as RE2's `\b`. */
function isWord(text: string, position: number): boolean {
  const code = position < 0 || position >= text.length ? 0 : text.charCodeAt(position);
  const isDigit = code >= 48 && code <= 57;
  const isLetter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
  return isDigit || isLetter || code === 95;
}

function matchOf(pattern: Re2Pattern, text: string, found: Int32Array): Re2Match {
  const groups = [""];
  for (let group = 0; group <= pattern.groups.length; group += 1) {
    const from = found[2 * group] as number;
    const to = found[2 * group + 1] as number;
    groups[group] = from < 0 || to < 0 ? "" : text.slice(from, to);
  }
  const named: Record<string, string> = Object.create(null);
  pattern.groups.forEach((name, place) => {
    if (name !== undefined) named[name] = groups[place + 1] ?? "";
  });
  return { index: found[0] as number, end: found[1] as number, groups, named };
}
