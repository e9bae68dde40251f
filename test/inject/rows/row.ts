import type { InjectionInput } from "../../../src/inject/decide.ts";
import { CLUSTER, podWith } from "../inputs.ts";

type Outcome = "inject" | "unchanged" | "skip" | "deny" | "deny-now";

/** One row of the pod table: what differs from a plain pod in an opted-in namespace, and what is decided. */
export type Row = {
  readonly row: number;
  readonly title: string;
  readonly change: Partial<InjectionInput>;
  /** Members of the namespace's labels beside the mode. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly lenient: Outcome;
  readonly strict: Outcome;
  readonly reason: string;
  /** Reason in a strict namespace, where it is another. */
  readonly strictReason?: string;
  /** Codes of the warnings in an enabled namespace. */
  readonly warns?: readonly string[];
};

export const pod = (spec: object, metadata: object = {}) => ({ pod: podWith(spec, metadata) });
export const resolver = (state: InjectionInput["cluster"]["resolver"]) => ({
  cluster: { ...CLUSTER, resolver: state },
});
export const none = (dnsConfig: object | undefined, metadata: object = {}) =>
  pod({ dnsPolicy: "None", ...(dnsConfig === undefined ? {} : { dnsConfig }) }, metadata);
export const names = (count: number, length: number): string[] =>
  Array.from({ length: count }, (_, at) => `${String(at).padStart(3, "0")}${"a".repeat(length - 3)}`);
export const ANNOTATED = { annotations: { "sluice.dev/dns": '{"version":1}' } };

/** Both columns alike: same outcome, same reason. */
export const same = (outcome: Outcome, reason: string) => ({ lenient: outcome, strict: outcome, reason }) as const;
export const inject = same("inject", "cluster-first");
export const refused = (reason: string) => ({ lenient: "skip", strict: "deny", reason, warns: [reason] }) as const;
