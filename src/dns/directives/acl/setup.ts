import { isIP } from "node:net";
import type { CorefileLine } from "../../corefile/corefile.ts";
import type { Token } from "../../corefile/token.ts";
import { shorten } from "../../corefile/zone.ts";
import type { Directive, SetupContext } from "../directive.ts";
import { readType } from "../dns-words.ts";
import { readZones } from "../read-arguments.ts";

export type AclRule = {
  readonly action: (typeof ACTIONS)[number];
  /** Record types; undefined is every type. */
  readonly types: readonly number[] | undefined;
  /** Networks as CIDR; undefined is everywhere. */
  readonly networks: readonly string[] | undefined;
};

/** The first rule that matches counts; without one the question is allowed. */
export type AclSettings = { readonly zones: readonly string[]; readonly rules: readonly AclRule[] };

const ACTIONS = ["allow", "block", "filter", "drop"] as const;

/** `acl [ZONE…] { allow|block|filter|drop [type TYPE…] [net NETWORK…] }`. */
export const aclDirective: Directive<AclSettings> = {
  occurs: "any",
  setup: (line, context) => ({
    zones: readZones(line.args, context),
    rules: (line.block ?? []).flatMap((option) => readRule(option, context) ?? []),
  }),
};

function readRule({ name, args, block }: CorefileLine, context: SetupContext): AclRule | undefined {
  const action = ACTIONS.find((word) => word === name.text);
  if (action === undefined) {
    return context.error(name, `unexpected token "${shorten(name.text)}"; expect 'allow', 'block', 'filter' or 'drop'`);
  }
  if (block !== undefined) context.error(name, `'${action}' takes no block`);
  const sections = sectionsOf(args, context);
  return {
    action,
    types: sections.type?.flatMap(typesOf(context)),
    networks: sections.net?.flatMap(networksOf(context)),
  };
}

type Sections = { readonly type?: readonly Token[]; readonly net?: readonly Token[] };

/** The words behind each `type` and `net`; a section with `*` is as if it were not there. */
function sectionsOf(args: readonly Token[], context: SetupContext): Sections {
  const found: { readonly word: "type" | "net"; readonly head: Token; readonly words: Token[] }[] = [];
  for (const token of args) {
    const word = token.text.toLowerCase();
    if (word === "type" || word === "net") found.push({ word, head: token, words: [] });
    else if (found.length > 0) found.at(-1)?.words.push(token);
    else context.error(token, `unexpected token "${shorten(token.text)}"; expect 'type | net'`);
  }
  for (const { head, words } of found) {
    if (words.length === 0) context.error(head, `no value behind '${head.text}'; write '*' for all`);
  }
  const wordsOf = (wanted: "type" | "net"): Pick<Sections, "type" | "net"> => {
    const words = found.filter(({ word }) => word === wanted).flatMap((section) => section.words);
    return words.length === 0 || words.some(({ text }) => text === "*") ? {} : { [wanted]: words };
  };
  return { ...wordsOf("type"), ...wordsOf("net") };
}

const typesOf =
  (context: SetupContext) =>
  (token: Token): readonly number[] => {
    const code = readType(token, context);
    return code === undefined ? [] : [code];
  };

const networksOf =
  (context: SetupContext) =>
  (token: Token): readonly string[] => {
    const [base = "", bits] = token.text.split("/");
    const version = isIP(base);
    const width = version === 4 ? 32 : 128;
    const length = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (version !== 0 && !base.includes("%") && length <= width) return [`${base}/${length}`];
    context.error(token, `illegal CIDR notation "${shorten(token.text)}": write 10.0.0.0/8, fd00::/8 or an address`);
    return [];
  };
