/** Environment variables by name, given by the caller: this folder never reads the process's own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** `{$NAME}` or `{%NAME%}`. */
const REFERENCE = /\{\$([^{}$%\s]{1,256})\}|\{%([^{}$%\s]{1,256})%\}/g;

/** Puts variables in once: what a variable holds is not looked through again, so nothing can run in a circle. */
export function expandVariables(
  raw: string,
  environment: Environment,
): { readonly text: string; readonly unset: readonly string[] } {
  if (!raw.includes("{")) return { text: raw, unset: [] };
  const unset: string[] = [];
  const text = raw.replaceAll(REFERENCE, (_whole, dollar: string | undefined, percent: string | undefined) => {
    const name = dollar ?? percent ?? "";
    const value = Object.hasOwn(environment, name) ? (environment[name] ?? "") : "";
    if (value === "") unset.push(name);
    return value;
  });
  return { text, unset };
}
