import type { Finding } from "../model/finding.ts";
import type { LintOptions } from "./run.ts";

/** One change that the API server asks about. Objects are untyped JSON; `object` is null on DELETE. */
export type ChangeRequest = {
  readonly operation: "CREATE" | "UPDATE" | "DELETE";
  readonly object: unknown;
  readonly oldObject: unknown;
  /** The request's namespace, for objects that carry none. */
  readonly namespace: string;
};

/** What may come of findings: `off` nothing, `warn` warnings alone, `deny` denials too. */
export type AdmissionMode = "off" | "warn" | "deny";

export type JudgeOptions = LintOptions & {
  /** Default: `deny`. */
  readonly mode?: AdmissionMode;
  /**
   * False while objects may be missing from the picture: then only what the object alone proves counts, because what
   * other objects say is not known. Default: true.
   */
  readonly complete?: boolean;
};

/** Why less than everything was looked at, in one word. `deadline`: time was up before all objects had been asked. */
export type JudgedInPart = "off" | "cache-cold" | "being-deleted" | "unchanged-spec" | "deadline";

/** `denied` findings refuse the change; `warned` ones are shown. `exempted` rules would have reported. */
export type AdmissionVerdict = {
  readonly denied: readonly Finding[];
  readonly warned: readonly Finding[];
  readonly exempted: readonly string[];
  readonly unknownKind: boolean;
  readonly inPart?: JudgedInPart;
  /** Credentials that the object holds in clear: no text about it may show them. */
  readonly secrets?: readonly string[];
};

/** Nothing to say. */
export const ALLOWED: AdmissionVerdict = { denied: [], warned: [], exempted: [], unknownKind: false };
