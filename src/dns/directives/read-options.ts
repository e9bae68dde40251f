import { nearestName } from "../../model/nearest-name.ts";
import type { CorefileLine } from "../corefile/corefile.ts";
import { shorten } from "../corefile/zone.ts";
import type { SetupContext } from "./directive.ts";
import { orList } from "./read-arguments.ts";

/** What reads each option of a block. The value is the reader's own affair. */
export type OptionReaders = Readonly<Record<string, (option: CorefileLine) => unknown>>;

/** Reads a directive's block, option by option. An unknown option is an error that says which exist. */
export function readOptions(
  line: CorefileLine,
  readers: OptionReaders,
  context: SetupContext,
  unknownWords = "unknown property",
): void {
  for (const option of line.block ?? []) {
    const name = option.name.text;
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (reader === undefined)
      context.error(option.name, `${unknownWords} '${shorten(name)}'${adviceFor(name, readers)}`);
    else if (option.block !== undefined) context.error(option.name, `'${name}' takes no block`);
    else reader(option);
  }
}

function adviceFor(name: string, readers: OptionReaders): string {
  const known = Object.keys(readers);
  const near = nearestName(name, known);
  if (near !== undefined) return `, did you mean '${near}'?`;
  return known.length === 0 ? "" : `, known are ${orList(known)}`;
}
