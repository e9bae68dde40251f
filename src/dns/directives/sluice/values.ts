import type { CorefileLine } from "../../corefile/corefile.ts";
import type { Token } from "../../corefile/token.ts";
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

/** Label selectors as Kubernetes writes them on one line; the name's part before `/` is a DNS name. */
const REQUIREMENT = /^!?[A-Za-z0-9./_-]{1,317}$|^[A-Za-z0-9./_-]{1,317}(?:==?|!=)[A-Za-z0-9._-]{0,63}$/;

/** A selector of comma-separated requirements: `key`, `!key`, `key=value`, `key!=value`. */
export function readSelector(token: Token, context: SetupContext): string | undefined {
  const sound = token.text.split(",").every((part) => REQUIREMENT.test(part));
  return sound
    ? token.text
    : context.error(token, `invalid label selector '${shorten(token.text)}': write key=value, several with commas`);
}
