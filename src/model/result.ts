/** The outcome of something that may fail for a reason the user can act on: a value, or every problem that was found. */
export type Result<T, P = string> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly P[] };

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });

export const fail = <P>(...problems: P[]): { readonly ok: false; readonly problems: readonly P[] } => ({
  ok: false,
  problems,
});
