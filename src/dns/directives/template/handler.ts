import type { Counter } from "../../metrics/meter.ts";
import { type Answer, failed, messageAnswer, type PreparedAnswer, refusal } from "../../pipeline/answer.ts";
import { composeMessage, type NewRecord } from "../../pipeline/compose.ts";
import type { Asked, Exchange } from "../../pipeline/exchange.ts";
import type { CreateHandler, HandlerContext } from "../../pipeline/serve.ts";
import { CLASS_IN, EDE, FLAG, RCODE, TYPE, typeName } from "../../wire/codes.ts";
import { corednsName, parseRecord } from "../../wire/presentation.ts";
import type { Section } from "../../wire/records.ts";
import { edeOption } from "../../wire/reply.ts";
import { compileRe2, type Re2Match, type Re2Matcher } from "../re2-match.ts";
import { createZoneLookup } from "../zone-lookup.ts";
import { fillTemplate, type TemplateData, templateSource } from "./fill-template.ts";
import type { TemplateSettings } from "./setup.ts";
import type { TemplateText } from "./template-text.ts";

/** QTYPE and QCLASS `*` (RFC 1035 sections 3.2.3 and 3.2.5): any. */
const CLASS_ANY = 255;

const CLASS_NAMES: Readonly<Record<number, string>> = { 1: "IN", 2: "CS", 3: "CH", 4: "HS", 254: "NONE", 255: "ANY" };

const NO_MATCH = refusal(
  "template",
  RCODE.SERVFAIL,
  EDE.OTHER,
  "no template matches the name, and nothing falls through",
);
const SERVFAIL = refusal("template", RCODE.SERVFAIL);

/** A record to be made: where it goes, and its text. */
type Line = { readonly section: Section; readonly text: TemplateText };

/** Answers made of the question (CoreDNS plugin/template): one line of a server block. */
export const createTemplateHandler: CreateHandler<TemplateSettings> = (settings, context) => {
  const zoneOf = createZoneLookup(settings.zones);
  const throughZone = createZoneLookup(settings.fallthrough);
  const matchers = settings.patterns.map(compileRe2);
  const answer = createAnswer(settings, context);
  return {
    // A template of class ANY answers what other directives let in.
    classes: settings.class === CLASS_IN || settings.class === CLASS_ANY ? [] : [settings.class],
    wrap: (next) => (exchange) => {
      const { key } = exchange.asked;
      const zone = applies(settings, exchange.asked) ? zoneOf(key) : undefined;
      if (zone === undefined) return next(exchange);
      const name = corednsName(key);
      const match = firstMatch(matchers, name);
      if (match === undefined && matchers.length > 0) {
        return throughZone(key) === undefined ? NO_MATCH : next(exchange);
      }
      return answer(exchange, { name, zone, match, ...kindOf(settings, exchange.asked) });
    },
  };
};

const applies = (settings: TemplateSettings, asked: Asked): boolean =>
  (settings.class === CLASS_ANY || asked.class === CLASS_ANY || asked.class === settings.class) &&
  (settings.type === TYPE.ANY || asked.type === TYPE.ANY || asked.type === settings.type);

function firstMatch(matchers: readonly Re2Matcher[], name: string): Re2Match | undefined {
  for (const matcher of matchers) {
    const match = matcher.match(name);
    if (match !== undefined) return match;
  }
  return undefined;
}

/** Type and class as text: the question's, or the template's where the question has ANY. */
function kindOf(settings: TemplateSettings, asked: Asked): { readonly type: string; readonly class: string } {
  const klass = asked.class === CLASS_ANY ? settings.class : asked.class;
  return {
    type: typeName(asked.type === TYPE.ANY ? settings.type : asked.type),
    class: CLASS_NAMES[klass] ?? `CLASS${klass}`,
  };
}

type AnswerTemplate = (exchange: Exchange, data: TemplateData) => Answer;

function createAnswer(settings: TemplateSettings, context: HandlerContext): AnswerTemplate {
  const { rcode, extendedError } = settings;
  const lines = (["answer", "authority", "additional"] as const).flatMap((section) =>
    settings[section].map((text): Line => ({ section, text })),
  );
  const extended = extendedError === undefined ? {} : { ede: edeOption(extendedError.code, extendedError.reason) };
  const matches = createMatchCounters(context);
  const empty: PreparedAnswer = {
    ...refusal("template", rcode),
    ...extended,
    header: { set: FLAG.AA, clear: 0 },
  };
  return (exchange, data) => {
    matches(data).add();
    if (rcode === RCODE.SERVFAIL) return SERVFAIL;
    if (lines.length === 0) return empty;
    const pieces: NewRecord[] = [];
    for (const line of lines) {
      const record = recordOf(line, data);
      if (typeof record === "string") return brokenLine(line, data, { what: record, context });
      pieces.push(record);
    }
    const message = composeMessage(exchange, { rcode, flags: FLAG.AA, pieces });
    if (message === undefined) return failed("template", EDE.OTHER, "the records do not fit into one message");
    return { ...messageAnswer("template", message, FLAG.AA), ...extended };
  };
}

/** A record, or what is wrong: "" when the template could not be filled in. */
function recordOf({ section, text }: Line, data: TemplateData): NewRecord | string {
  const filled = fillTemplate(text, data);
  if (filled === undefined) return "";
  const record = parseRecord(filled);
  return record.ok ? { section, ...record.value } : record.problems.join("; ");
}

type Broken = { readonly what: string; readonly context: HandlerContext };

function brokenLine({ section, text }: Line, data: TemplateData, { what, context }: Broken): Answer {
  const template = templateSource(text);
  const name = what === "" ? "coredns_template_template_failures_total" : "coredns_template_rr_failures_total";
  context.meter.counter(name, { ...labelsOf(data, context), section, template }).add();
  const reason = what === "" ? "a number in it cannot be read" : what;
  return failed(
    "template",
    EDE.OTHER,
    "a record of the template is not valid for this name",
    `plugin/template: ${section} '${template.slice(0, 200)}': ${reason}`,
  );
}

/** Numbers of types without a name are one series. */
const labelsOf = (data: TemplateData, { server }: HandlerContext) => ({
  class: data.class,
  server,
  type: data.type.startsWith("TYPE") ? "other" : data.type,
  view: "",
  zone: data.zone,
});

/** Series are made when first counted: few kinds of questions of all that may come do come. */
function createMatchCounters(context: HandlerContext): (data: TemplateData) => Counter {
  const counters = new Map<string, Counter>();
  return (data) => {
    const labels = labelsOf(data, context);
    const key = `${labels.class} ${labels.type} ${labels.zone}`;
    const counter = counters.get(key) ?? context.meter.counter("coredns_template_matches_total", labels);
    counters.set(key, counter);
    return counter;
  };
}
