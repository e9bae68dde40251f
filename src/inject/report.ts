import { formatPath } from "../model/field-path.ts";
import type { InjectionDecision } from "./decide.ts";
import type { PodDnsConfig } from "./limits.ts";
import type { NamespaceFacts } from "./mode.ts";
import { type Notice, renderNotice } from "./notice.ts";
import { type InjectionPreview, placeIn } from "./preview.ts";
import { ROUTED_REASONS } from "./reasons.ts";

const HEADLINES: Readonly<Record<InjectionDecision["action"], string>> = {
  inject: "injected",
  unchanged: "unchanged",
  skip: "skipped",
  deny: "denied",
};

/**
 * The decision for people: what, why, what is set, what to mind. Ends with a newline. The text depends on the
 * decision alone, so that it can be compared between runs.
 */
export function renderReport({ source, decision }: InjectionPreview, namespace: NamespaceFacts): string {
  const subject = source.from === "pod" ? source.label : `pods of ${source.label}`;
  const config = decision.action === "inject" || decision.action === "skip" ? decision.config : undefined;
  const place = (notice: Notice): Notice => placeIn(source, notice);
  const lines = [
    `${subject} in namespace ${namespace.name}: ${HEADLINES[decision.action]} (${decision.reason})`,
    ...whyLines(decision, place),
    ...(namespace.labels === undefined
      ? ["  note: the namespace is not in view, it is taken as sluice.dev/egress=enabled"]
      : []),
    ...(config === undefined ? [] : configLines(config)),
    ...decision.warnings.map(place).flatMap((notice) => [`  warning: ${renderNotice(notice)}`, ...hintLines(notice)]),
  ];
  return `${lines.join("\n")}\n`;
}

/** The cause, unless it is told as a warning below. */
function whyLines(decision: InjectionDecision, place: (notice: Notice) => Notice): readonly string[] {
  if (decision.action === "inject" || decision.action === "unchanged") {
    return [`  why: ${ROUTED_REASONS[decision.reason]}`];
  }
  if (decision.action === "skip" && decision.warnings.includes(decision.cause)) return [];
  const { path, title, hint } = place(decision.cause);
  const again = decision.action === "deny" && decision.temporary ? ["    the creator may try again"] : [];
  return [`  why: ${path.length === 0 ? "" : `${formatPath(path)}: `}${title}`, ...hintLines({ hint }), ...again];
}

const configLines = ({ nameservers, searches, options }: PodDnsConfig): readonly string[] => [
  "  dnsPolicy: None",
  `  nameservers: ${nameservers.join(" ")}`,
  `  searches: ${searches.join(" ")}`,
  `  options: ${options.map(({ name, value }) => (value === undefined ? name : `${name}:${value}`)).join(" ")}`,
];

const hintLines = ({ hint }: Pick<Notice, "hint">): readonly string[] => (hint === "" ? [] : [`    hint: ${hint}`]);
