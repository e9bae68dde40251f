import type { Rule } from "../../src/lint/rule.ts";
import type { Kind } from "../../src/model/kinds.ts";

const SCOPES = {
  object: "The object alone proves it, so it is refused at admission.",
  conflict: "Two present objects contradict each other, so it is refused at admission.",
  absence: "Something was not seen, so it is a warning at admission and an error in `sluice lint`.",
} as const;

/** What the rules were read from, and compared with where they ran. */
const HEADS = {
  kuadrant: [
    "kuadrant-operator `ae698811`",
    "wasm-shim `af0f9b4`",
    "authorino `58fecc6c`",
    "limitador `2981b2b`",
    "dns-operator `57b9db5`",
  ],
  istio: ["Istio `master` of 2026-08-22"],
} as const;

const ISTIO_KINDS: ReadonlySet<Kind> = new Set<Kind>([
  "ServiceEntry",
  "DestinationRule",
  "AuthorizationPolicy",
  "VirtualService",
]);
const KUADRANT_KINDS = /Policy$|^DNSRecord$/;

const isKuadrant = (kind: Kind): boolean => KUADRANT_KINDS.test(kind) && !ISTIO_KINDS.has(kind);

const list = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

/** How the linter comes to its finding: what it reads, what proves it, and the forms of the mistake that it knows. */
export function howFound(rule: Rule): readonly string[] {
  const others = rule.reads.filter((kind) => !(rule.kinds as readonly Kind[]).includes(kind));
  const together = others.length === 0 ? "" : ` together with what is in view of ${list(others)}`;
  return [
    `Read from each ${rule.kinds.join(", ")}${together}. ${SCOPES[rule.scope]} Known forms:`,
    "",
    ...rule.bad.map(({ name }) => `- ${name}`),
  ];
}

/** The releases that the rule speaks of. */
export function versions(rule: Rule): readonly string[] {
  const kinds: readonly Kind[] = [...rule.kinds, ...rule.reads];
  const heads = [
    ...(kinds.some(isKuadrant) ? HEADS.kuadrant : []),
    ...(kinds.some((kind) => ISTIO_KINDS.has(kind)) || !kinds.some(isKuadrant) ? HEADS.istio : []),
  ];
  return [
    `As of ${list(heads)}. Where a release is known to behave otherwise, \`sluice lint --engine-version\` takes it into`,
    "account: see the [table of releases](../lint.md#releases).",
    "",
    `In Sluice since ${rule.since}.`,
  ];
}
