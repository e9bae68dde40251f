import type { CorefileLine } from "../../corefile/corefile.ts";
import type { Directive, SetupContext } from "../directive.ts";
import { readClass, readRcode, readType } from "../dns-words.ts";
import { parseRe2, type Re2Pattern } from "../re2-syntax.ts";
import { hasShape, readInteger, readZones, wrongCount } from "../read-arguments.ts";
import { readOptions } from "../read-options.ts";
import { groupsOf, parseTemplate, type TemplateText } from "./template-text.ts";

export type TemplateSettings = {
  readonly class: number;
  readonly type: number;
  readonly zones: readonly string[];
  /** The first that is found in the name counts; none given: every name matches. */
  readonly patterns: readonly Re2Pattern[];
  /** Each a record in text form. */
  readonly answer: readonly TemplateText[];
  readonly additional: readonly TemplateText[];
  readonly authority: readonly TemplateText[];
  readonly rcode: number;
  readonly extendedError: { readonly code: number; readonly reason: string } | undefined;
  /** Zones whose names go on when no pattern matches; empty: none. */
  readonly fallthrough: readonly string[];
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Lists = { readonly [K in "patterns" | "answer" | "additional" | "authority"]: unknown[] };

/** RFC 8914: a 16-bit code. */
const MAX_EDE = 65_535;

/** `template CLASS TYPE [ZONE…] { match; answer; additional; authority; rcode; ederror; fallthrough }`. */
export const templateDirective: Directive<TemplateSettings> = {
  occurs: "any",
  setup: (line, context) => {
    const [className, typeName, ...zones] = line.args;
    if (className === undefined || typeName === undefined) wrongCount(line, "template CLASS TYPE [ZONE...]", context);
    const settings = {
      class: (className === undefined ? undefined : readClass(className, context)) ?? 1,
      type: (typeName === undefined ? undefined : readType(typeName, context)) ?? 1,
      zones: readZones(zones, context),
      patterns: [] as Re2Pattern[],
      answer: [] as TemplateText[],
      additional: [] as TemplateText[],
      authority: [] as TemplateText[],
      rcode: 0,
      extendedError: undefined,
      fallthrough: [],
    } satisfies TemplateSettings & Lists;
    readOptions(line, readersFor(settings, context), context);
    reportUnknownGroups(line, settings, context);
    return settings;
  },
};

type Building = Omit<Mutable<TemplateSettings>, keyof Lists> & {
  readonly patterns: Re2Pattern[];
  readonly answer: TemplateText[];
  readonly additional: TemplateText[];
  readonly authority: TemplateText[];
};

function readersFor(settings: Building, context: SetupContext) {
  const records = (key: "answer" | "additional" | "authority") => (option: CorefileLine) => {
    if (option.args.length === 0) wrongCount(option, `${key} RECORD`, context);
    for (const token of option.args) {
      const text = parseTemplate(token.text);
      if (text.ok) settings[key].push(text.value);
      else context.error(token, text.problems.join("; "));
    }
  };
  return {
    match: (option: CorefileLine) => {
      if (option.args.length === 0) wrongCount(option, "match REGEXP...", context);
      for (const token of option.args) {
        const pattern = parseRe2(token.text);
        if (pattern.ok) settings.patterns.push(pattern.value);
        else context.error(token, pattern.problems.join("; "));
      }
    },
    answer: records("answer"),
    additional: records("additional"),
    authority: records("authority"),
    rcode: (option: CorefileLine) => {
      const [value] = option.args;
      if (!hasShape(option, { form: "rcode CODE", minimum: 1 }, context) || value === undefined) return;
      settings.rcode = readRcode(value, context) ?? 0;
    },
    ederror: (option: CorefileLine) => {
      const [code, reason] = option.args;
      if (!hasShape(option, { form: "ederror CODE [REASON]", minimum: 1, maximum: 2 }, context) || code === undefined)
        return;
      const value = readInteger(code, { what: "extended DNS error code", minimum: 0, maximum: MAX_EDE }, context);
      if (value !== undefined) settings.extendedError = { code: value, reason: reason?.text ?? "" };
    },
    fallthrough: ({ args }: CorefileLine) => {
      settings.fallthrough = args.length === 0 ? ["."] : readZones(args, context);
    },
    upstream: ({ name }: CorefileLine) =>
      context.error(name, "upstream is not supported: aliases of an answer are followed without it, remove the line"),
  };
}

/** A group that no pattern has would be written as nothing at all. */
function reportUnknownGroups(line: CorefileLine, settings: TemplateSettings, context: SetupContext): void {
  const known = new Set<string>(["0"]);
  for (const { groups } of settings.patterns) {
    for (const [index, name] of groups.entries()) known.add(String(index + 1)).add(name ?? String(index + 1));
  }
  const texts = [...settings.answer, ...settings.additional, ...settings.authority];
  for (const group of new Set(texts.flatMap(groupsOf))) {
    if (!known.has(group)) context.error(line.name, `template uses .Group.${group}, which no match has`);
  }
}
