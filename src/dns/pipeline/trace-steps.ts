import { type DescribedMessage, describeMessage } from "../describe-message.ts";
import { EDE, FLAG, typeName } from "../wire/codes.ts";
import { gate } from "../wire/gate.ts";
import { nameText } from "../wire/name.ts";
import { encodeQuery } from "../wire/question.ts";
import { TCP_OCTETS } from "../wire/reply.ts";
import type { Answer } from "./answer.ts";
import { deliver } from "./deliver.ts";
import { askedName, type Exchange, questionOctets } from "./exchange.ts";
import { OWN_CLIENT } from "./internal-exchange.ts";
import type { TraceStep } from "./trace.ts";

/** What a directive did with a question; stable. */
export type StepAction = "passed" | "answered" | "changed" | "hit" | "miss" | "dropped" | "failed";

/** One directive's part in an answer, for people and programs. */
export type DescribedStep = {
  readonly directive: string;
  /** How many directives asked before this one. */
  readonly depth: number;
  readonly action: StepAction;
  /** What this directive was asked: `api.openai.com. A`. */
  readonly question: string;
  /** What it asked the directives behind it, where that is another question. */
  readonly askedInstead: readonly string[];
  /** What it gave; undefined for nothing. */
  readonly rcode?: string;
  /** Records of the answer section that it gave. */
  readonly records: number;
  /** Records that came from behind and did not leave; of `sluice`, what the guard held back. */
  readonly removed: readonly string[];
  readonly added: readonly string[];
  /** Everything else that is another than what came from behind: response code, flags, order, TTLs, errors. */
  readonly changes: readonly string[];
  /** Its own time, without what is behind it, in milliseconds. */
  readonly milliseconds: number;
};

/** A question of a tool, over TCP so that nothing is cut, for what the directive was asked. */
function shownExchange(exchange: Exchange): Exchange {
  const { query } = exchange;
  const asking = { id: 0, flags: query.flags & (FLAG.RD | FLAG.AD | FLAG.CD) };
  const dnssecOk = query.edns?.dnssecOk === true;
  const message = encodeQuery(questionOctets(exchange), { ...asking, edns: { dnssecOk } });
  const gated = gate(message);
  return gated.verdict === "question" ? { ...exchange, message, query: gated.query, client: OWN_CLIENT } : exchange;
}

/** An answer as the directive's own question would be answered with it. */
function describeAnswer(exchange: Exchange, answer: Answer | undefined): DescribedMessage | undefined {
  if (answer === undefined) return undefined;
  const bytes = deliver(shownExchange(exchange), answer, Buffer.alloc(TCP_OCTETS), 0);
  const described = bytes === undefined ? undefined : describeMessage(bytes);
  return described?.ok ? described.value : undefined;
}

export const questionText = (exchange: Exchange): string =>
  `${nameText(askedName(exchange))} ${typeName(exchange.asked.type)}`;

const recordsOf = ({ answer, authority, additional }: DescribedMessage): readonly string[] => [
  ...answer,
  ...authority,
  ...additional,
];

/** `owner type data`, without the TTL. */
const withoutTtl = (record: string): string => record.replace(/^(\S+) \d+ /, "$1 ");
const ttlOf = (record: string): string => /^\S+ (\d+) /.exec(record)?.[1] ?? "";

/** Each record of `one` that has no partner in `other`; a record that is there twice needs two. */
function missingIn(one: readonly string[], other: readonly string[]): readonly string[] {
  const left = other.map(withoutTtl);
  return one.filter((record) => {
    const at = left.indexOf(withoutTtl(record));
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
}

/** TTLs of the records that both have: `TTL 300 → 30`, each pair once. */
function ttlChanges(before: readonly string[], after: readonly string[]): readonly string[] {
  const found = after.flatMap((record) => {
    const partner = before.find((one) => withoutTtl(one) === withoutTtl(record));
    return partner === undefined || ttlOf(partner) === ttlOf(record)
      ? []
      : [`TTL ${ttlOf(partner)} → ${ttlOf(record)}`];
  });
  return [...new Set(found)];
}

const errorsOf = ({ edns }: DescribedMessage): readonly string[] =>
  (edns?.errors ?? []).map(({ code, text }) => `extended error ${code}: ${text}`);

type Records = { readonly old: readonly string[]; readonly fresh: readonly string[] };

function changesOf(before: DescribedMessage, after: DescribedMessage, { old, fresh }: Records): readonly string[] {
  const kept = fresh.map(withoutTtl).filter((record) => old.map(withoutTtl).includes(record));
  const inOldOrder = old.map(withoutTtl).filter((record) => kept.includes(record));
  return [
    ...(before.rcode === after.rcode ? [] : [`${before.rcode} → ${after.rcode}`]),
    ...(before.flags.join(" ") === after.flags.join(" ")
      ? []
      : [`flags ${before.flags.join(" ")} → ${after.flags.join(" ")}`]),
    ...ttlChanges(old, fresh),
    ...(kept.join("\n") === inOldOrder.join("\n") ? [] : ["another order"]),
    ...errorsOf(after).filter((error) => !errorsOf(before).includes(error)),
  ];
}

/** Shows a record of the answer to a changed question as it is shown to whoever asked the one before. */
function renamer(below: TraceStep | undefined, { exchange }: TraceStep): (record: string) => string {
  const from = below === undefined ? "" : nameText(askedName(below.exchange));
  const to = nameText(askedName(exchange));
  return (record) => (from !== to && record.startsWith(`${from} `) ? to + record.slice(from.length) : record);
}

type Difference = Pick<DescribedStep, "removed" | "added" | "changes">;
const NO_DIFFERENCE: Difference = { removed: [], added: [], changes: [] };

function differenceOf(step: TraceStep, given: DescribedMessage | undefined): Difference {
  const below = step.below.at(-1);
  const came = below === undefined ? undefined : describeAnswer(below.exchange, below.answer);
  if (below?.answer === step.answer || came === undefined || given === undefined) return NO_DIFFERENCE;
  const renamed = renamer(below, step);
  const [old, fresh] = [recordsOf(came).map(renamed), recordsOf(given)];
  return {
    removed: missingIn(old, fresh),
    added: missingIn(fresh, old),
    changes: changesOf(came, given, { old, fresh }),
  };
}

/** A kept answer whose time has passed says so (RFC 8767 section 4, extended error 3). */
const isStale = (given: DescribedMessage | undefined): boolean =>
  given?.edns?.errors.some(({ code }) => code === EDE.STALE_ANSWER) === true;

function actionOf({ directive, below, answer }: TraceStep, changed: boolean): StepAction {
  if (answer === undefined) return "failed";
  if (answer.form === "dropped") return "dropped";
  if (directive.name === "cache") return below.length === 0 || answer.by === "cache" ? "hit" : "miss";
  if (below.length === 0) return "answered";
  return changed ? "changed" : "passed";
}

function describeStep(step: TraceStep, depth: number): DescribedStep {
  const { directive, exchange, below, milliseconds } = step;
  const given = describeAnswer(exchange, step.answer);
  const difference = differenceOf(step, given);
  const question = questionText(exchange);
  const askedInstead = below.map((one) => questionText(one.exchange)).filter((text) => text !== question);
  const changed = askedInstead.length + difference.removed.length + difference.added.length > 0;
  return {
    directive: directive.name,
    depth,
    action: actionOf(step, changed || difference.changes.length > 0),
    question,
    askedInstead: [...new Set(askedInstead)],
    ...(given !== undefined && { rcode: given.rcode }),
    records: given?.answer.length ?? 0,
    ...difference,
    changes: [
      ...difference.changes,
      ...(below.length === 0 && given !== undefined ? errorsOf(given) : []),
      ...(directive.name === "cache" && isStale(given) ? ["kept beyond its TTL"] : []),
    ],
    milliseconds: Math.max(0, milliseconds - below.reduce((sum, one) => sum + one.milliseconds, 0)),
  };
}

/** Every directive that was asked, in the order in which they were: a directive stands before those that it asked. */
export function describeSteps(steps: readonly TraceStep[], depth = 0): readonly DescribedStep[] {
  return steps.flatMap((step) => [describeStep(step, depth), ...describeSteps(step.below, depth + 1)]);
}
