import { parseSelector } from "../../../model/parse-selector.ts";
import type { CorefileLine } from "../../corefile/corefile.ts";
import { shorten } from "../../corefile/zone.ts";
import { TYPE } from "../../wire/codes.ts";
import type { SetupContext } from "../directive.ts";
import { readType } from "../dns-words.ts";

/** Types whose real answer lets a client reach the provider past the gateway, or hands the name to somebody else. */
const NEVER_PASSED: ReadonlySet<number> = new Set([
  TYPE.A,
  TYPE.AAAA,
  TYPE.HTTPS,
  TYPE.SVCB,
  TYPE.CNAME,
  TYPE.DNAME,
  TYPE.NS,
  TYPE.ANY,
  TYPE.AXFR,
  TYPE.IXFR,
]);

/** `passthrough none|TYPE…`. */
export function readPassthrough({ name, args }: CorefileLine, context: SetupContext): readonly number[] {
  if (args.length === 0) context.error(name, "passthrough needs 'none' or at least one record type");
  if (args.length === 1 && args[0]?.text.toLowerCase() === "none") return [];
  return args.flatMap((token) => {
    const code = readType(token, context);
    if (code === undefined) return [];
    if (NEVER_PASSED.has(code)) {
      context.error(token, `${token.text} cannot be passed through: its real answer leads past the gateway`);
    }
    return [code];
  });
}

/** A label selector as Kubernetes writes it on one line, quoted or in several words. */
export function readSelector({ name, args }: CorefileLine, context: SetupContext): string | undefined {
  const [first = name] = args;
  const text = args.map((token) => token.text).join(" ");
  if (args.length > 0 && parseSelector(text).ok) return text;
  return context.error(
    first,
    `invalid label selector '${shorten(text)}': write key=value, !key or key in (a, b), several with commas`,
  );
}
