import type { CorefileLine } from "../../corefile/corefile.ts";
import type { Token } from "../../corefile/token.ts";
import type { Directive, SetupContext } from "../directive.ts";
import { orList, readZones } from "../read-arguments.ts";
import { readOptions } from "../read-options.ts";
import { unknownPlaceholders } from "./format.ts";

export type LogSettings = {
  /** Names at or below these are logged. */
  readonly zones: readonly string[];
  /** With `{common}` and `{combined}` already put in. */
  readonly format: string;
  readonly classes: readonly LogClass[];
};

export type LogClass = "all" | "success" | "denial" | "error";

/** CoreDNS's formats (plugin/log). */
const COMMON =
  '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" {rcode} {>rflags} {rsize} {duration}';
const COMBINED = `${COMMON} "{>opcode}"`;

const CLASSES: readonly LogClass[] = ["success", "denial", "error", "all"];
/** `log [NAME…] [FORMAT] { class CLASS… }`: a line for each question. */
export const logDirective: Directive<LogSettings> = {
  occurs: "any",
  setup: (line, context) => {
    const last = line.args.at(-1);
    const format = last?.text.includes("{") === true ? last : undefined;
    const names = format === undefined ? line.args : line.args.slice(0, -1);
    const classes: LogClass[] = [];
    readOptions(line, { class: (option) => classes.push(...readClasses(option, context)) }, context);
    return {
      zones: names.length === 0 ? ["."] : readZones(names, context),
      format: format === undefined ? COMMON : readFormat(format, context),
      classes: classes.length === 0 ? ["all"] : classes,
    };
  },
};

function readClasses({ name, args }: CorefileLine, context: SetupContext): readonly LogClass[] {
  if (args.length === 0) context.error(name, `class needs at least one of ${orList(CLASSES)}`);
  return args.flatMap((token) => {
    const known = CLASSES.find((word) => word === token.text);
    if (known === undefined) context.error(token, `invalid class '${token.text}', write ${orList(CLASSES)}`);
    return known === undefined ? [] : [known];
  });
}

function readFormat(token: Token, context: SetupContext): string {
  const format = token.text.replaceAll("{common}", COMMON).replaceAll("{combined}", COMBINED);
  for (const name of unknownPlaceholders(format)) {
    context.warning(token, `{${name}} is no placeholder and is logged as it stands`);
  }
  return format;
}
