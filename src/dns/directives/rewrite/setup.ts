import type { CorefileLine } from "../../corefile/corefile.ts";
import type { Token } from "../../corefile/token.ts";
import { shorten } from "../../corefile/zone.ts";
import type { Directive, SetupContext } from "../directive.ts";
import { readClass, readRcode, readType } from "../dns-words.ts";
import { type NameMatch, type RewriteNameRule, readMatch, readNameRule } from "./name-rule.ts";

export type RewriteRule =
  | RewriteNameRule
  | { readonly field: "type" | "class"; readonly from: number; readonly to: number }
  | { readonly field: "rcode"; readonly match: NameMatch; readonly from: number; readonly to: number }
  /** Seconds; an answer's TTL is moved into the range. */
  | { readonly field: "ttl"; readonly match: NameMatch; readonly minimum: number; readonly maximum: number };

export type RewriteSettings = {
  /** Whether later rules still look at a question that this one has changed. */
  readonly flow: "continue" | "stop";
  /** Undefined after an error. */
  readonly rule: RewriteRule | undefined;
};

const FIELDS = ["name", "type", "class", "ttl", "rcode"] as const;
type Field = (typeof FIELDS)[number];

const REFUSED: Readonly<Record<string, string>> = {
  edns0: "rewrite edns0 is not supported: options of clients are not passed on",
  cname: "rewrite cname is not supported: aliases are followed, and cut where they reach an egress name",
};

/** RFC 2181 section 8. */
const MAX_TTL = 2 ** 31 - 1;

/** `rewrite [continue|stop] FIELD …`, on one line or with the rule in a block. */
export const rewriteDirective: Directive<RewriteSettings> = {
  occurs: "any",
  setup: (line, context) => {
    const words = [...line.args, ...(line.block ?? []).flatMap(({ name, args }) => [name, ...args])];
    const mode = words[0]?.text.toLowerCase();
    const flow = mode === "continue" || mode === "stop" ? mode : undefined;
    return { flow: flow ?? "stop", rule: readRule(flow === undefined ? words : words.slice(1), line, context) };
  },
};

function readRule(words: readonly Token[], { name }: CorefileLine, context: SetupContext): RewriteRule | undefined {
  const [first, ...args] = words;
  if (first === undefined) return context.error(name, "no rule behind rewrite, write 'rewrite name exact FROM TO'");
  const text = first.text.toLowerCase();
  const refused = Object.hasOwn(REFUSED, text) ? REFUSED[text] : undefined;
  if (refused !== undefined) return context.error(first, refused);
  const field = FIELDS.find((word) => word === text);
  if (field === undefined) {
    return context.error(first, `invalid rule type "${shorten(first.text)}", write name, type, class, ttl or rcode`);
  }
  if (args.length < 2) return context.error(first, `too few arguments for a ${field} rule`);
  return readField(field, first, args, context);
}

function readField(field: Field, at: Token, args: readonly Token[], context: SetupContext): RewriteRule | undefined {
  if (field === "name") return readNameRule(at, args, context);
  if (field === "ttl") return readTtlRule(at, args, context);
  if (field === "rcode") return readRcodeRule(at, args, context);
  const [from, to, more] = args as readonly [Token, Token, Token?];
  if (more !== undefined) return context.error(more, `too many arguments for a ${field} rule`);
  const read = field === "type" ? readType : readClass;
  const codes = [read(from, context), read(to, context)] as const;
  return codes[0] === undefined || codes[1] === undefined ? undefined : { field, from: codes[0], to: codes[1] };
}

/** `ttl [exact|prefix|suffix|substring|regex] STRING SECONDS|MIN-MAX`. */
function readTtlRule(at: Token, args: readonly Token[], context: SetupContext): RewriteRule | undefined {
  const value = args.at(-1) as Token;
  const range = /^(?:(\d{1,10})|(\d{0,10})-(\d{0,10}))$/.exec(value.text);
  const match = readMatch(at, args.slice(0, -1), context);
  const [minimum, maximum] = [Number(range?.[1] ?? range?.[2]), Number(range?.[1] ?? (range?.[3] || MAX_TTL))];
  if (range === null || value.text === "-" || minimum > maximum || maximum > MAX_TTL) {
    return context.error(value, `invalid TTL "${shorten(value.text)}", write SECONDS or MIN-MAX`);
  }
  return match === undefined ? undefined : { field: "ttl", match, minimum, maximum };
}

/** `rcode [exact|prefix|suffix|substring|regex] STRING FROM TO`. */
function readRcodeRule(at: Token, args: readonly Token[], context: SetupContext): RewriteRule | undefined {
  if (args.length < 3) return context.error(at, "too few arguments for a rcode rule");
  const [from, to] = [readRcode(args.at(-2) as Token, context), readRcode(args.at(-1) as Token, context)];
  const match = readMatch(at, args.slice(0, -2), context);
  return match === undefined || from === undefined || to === undefined
    ? undefined
    : { field: "rcode", match, from, to };
}
