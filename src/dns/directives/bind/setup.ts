import { isIP } from "node:net";
import type { Token } from "../../corefile/token.ts";
import { shorten } from "../../corefile/zone.ts";
import type { Directive, SetupContext } from "../directive.ts";
import { hasShape } from "../read-arguments.ts";
import { readOptions } from "../read-options.ts";

/** Each an IP address or the name of a network interface. */
export type BindSettings = { readonly addresses: readonly string[]; readonly except: readonly string[] };

/** Linux allows 15 characters (IFNAMSIZ); other systems somewhat more. */
const INTERFACE = /^[A-Za-z0-9_.@-]{1,32}$/;

const isAddress = (text: string): boolean => isIP(text) !== 0 || (INTERFACE.test(text) && !/^[0-9.]+$/.test(text));

function readAddresses(tokens: readonly Token[], context: SetupContext): readonly string[] {
  for (const token of tokens) {
    if (!isAddress(token.text)) {
      context.error(token, `not a valid IP address or interface name: '${shorten(token.text)}'`);
    }
  }
  return tokens.map(({ text }) => text);
}

/** `bind ADDRESS|INTERFACE… { except ADDRESS|INTERFACE… }`: where a server block listens. */
export const bindDirective: Directive<BindSettings> = {
  occurs: "any",
  setup: (line, context) => {
    if (line.args.length === 0) context.error(line.name, "at least one address or interface name is expected");
    const except: string[] = [];
    const readers = {
      except: (option: typeof line) => {
        hasShape(option, { form: "except ADDRESS...", minimum: 1, maximum: 100 }, context);
        except.push(...readAddresses(option.args, context));
      },
    };
    readOptions(line, readers, context);
    return { addresses: readAddresses(line.args, context), except };
  },
};
