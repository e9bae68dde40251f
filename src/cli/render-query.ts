import { renderMessage } from "../dns/describe-message.ts";
import type { AnswerExplanation } from "../dns/explain-answer.ts";
import type { DescribedStep } from "../dns/pipeline/trace-steps.ts";
import type { Paint } from "../lint/render-text.ts";
import { formatRef } from "../model/object-ref.ts";
import type { CorefileAnswer } from "./query-corefile.ts";

/** An answer that was explained from the egress names alone. */
export function renderExplanation(
  { name, type, action, reason, message, gateway, listener, steps }: AnswerExplanation,
  paint: Paint,
): string {
  return [
    `${paint("strong", `${name} ${type}`)}: ${action} (${reason})`,
    ...(message === undefined ? [] : [renderMessage(message)]),
    ...(gateway === undefined ? [] : [`gateway: ${formatRef(gateway)}, listener ${listener}`]),
    ...titled("why", steps, paint),
    "",
  ].join("\n");
}

/** An answer of a Corefile; with `trace` every directive's part in it. */
export function renderCorefileAnswer(answer: CorefileAnswer, trace: boolean, paint: Paint): string {
  const { egress, message, heldBack, log } = answer;
  return [
    `${paint("strong", `${answer.name} ${answer.type}`)}: ${verdict(answer)}`,
    ...facts(answer).map(([label, text]) => `${paint("faint", label.padEnd(LABEL_WIDTH))}${text}`),
    ...(message === null ? [] : ["", renderMessage(message)]),
    ...(egress === null ? [] : ["", ...titled("why", egress.steps, paint)]),
    ...titled("held back by the guard", heldBack, paint),
    ...titled("log", log, paint),
    ...(trace && answer.trace.length > 0
      ? ["", ...renderTrace(answer.trace, paint), ...titled("counted", counted(answer), paint)]
      : []),
    "",
  ].join("\n");
}

const counted = ({ counts }: CorefileAnswer): readonly string[] =>
  Object.entries(counts).map(([series, count]) => (count === 1 ? series : `${series} ${count}`));

const titled = (title: string, lines: readonly string[], paint: Paint): readonly string[] =>
  lines.length === 0 ? [] : [paint("strong", `${title}:`), ...lines.map((line) => `  - ${line}`)];

function verdict({ zone, answeredBy, message, trace }: CorefileAnswer): string {
  if (zone === null) return "no server block of the Corefile has this name, so it is refused";
  if (trace.length === 0) return `${message?.rcode ?? "no answer"}, before any directive is asked`;
  if (message === null) return `nothing is sent, says '${answeredBy ?? "nobody"}'`;
  return answeredBy === null
    ? `${message.rcode}: no directive of the server block answers`
    : `${message.rcode}, answered by '${answeredBy}'`;
}

const LABEL_WIDTH = 10;

function facts(answer: CorefileAnswer): readonly (readonly [string, string])[] {
  const { egress } = answer;
  return [
    ["client", `${answer.client} over ${answer.protocol}`],
    ["listener", `${answer.listener}${answer.zone === null ? "" : `, server block ${answer.zone}`}`],
    ["time", milliseconds(answer.milliseconds)],
    ...(egress === null ? [] : [["egress", `${egress.action} (${egress.reason})`] as const]),
    ...(egress?.gateway === undefined
      ? []
      : [["gateway", `${formatRef(egress.gateway)}, listener ${egress.listener}`] as const]),
  ];
}

const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;

function renderTrace(steps: readonly DescribedStep[], paint: Paint): readonly string[] {
  const width = Math.max(0, ...steps.map(({ directive }) => directive.length));
  const times = steps.map((step) => milliseconds(step.milliseconds));
  const timeWidth = Math.max(0, ...times.map((time) => time.length));
  return [
    paint("strong", "trace:"),
    ...steps.flatMap((step, index) => {
      const decisive = step.action !== "passed" && step.action !== "miss";
      const name = step.directive.padEnd(width);
      const time = paint("faint", (times[index] ?? "").padStart(timeWidth));
      const indent = " ".repeat(2 + width + 2 + timeWidth + 2);
      return [
        `  ${decisive ? paint("strong", name) : name}  ${time}  ${deed(step)}`,
        ...detailsOf(step).map((line) => `${indent}${paint("faint", line)}`),
      ];
    }),
  ];
}

const given = ({ rcode, records }: DescribedStep): string =>
  rcode === undefined ? "nothing" : `${rcode}, ${records} ${records === 1 ? "record" : "records"}`;

/** What a directive did, in a few words. */
function deed(step: DescribedStep): string {
  switch (step.action) {
    case "passed":
      return "passed on";
    case "answered":
      return `answered ${given(step)}`;
    case "hit":
      return `hit: ${given(step)}`;
    case "miss":
      return "miss: asked behind it";
    case "changed":
      return step.askedInstead.length > 0 ? "changed the question" : "changed the answer";
    case "dropped":
      return "dropped the question: nothing is sent";
    case "failed":
      return "failed, which is a defect of sluice";
  }
}

const detailsOf = ({ question, askedInstead, removed, added, changes }: DescribedStep): readonly string[] => [
  ...askedInstead.map((text) => `${question} → ${text}`),
  ...removed.map((record) => `- ${record}`),
  ...added.map((record) => `+ ${record}`),
  ...changes.map((change) => `~ ${change}`),
];
