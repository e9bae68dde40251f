import type { Directive } from "../directive.ts";

/** What is told to questions of class CH; undefined: the program's own. */
export type ChaosSettings = { readonly version: string | undefined; readonly authors: readonly string[] };

/** A character string of a TXT record (RFC 1035 section 3.3.14). */
const MAX_TEXT = 255;

/** `chaos [VERSION] [AUTHOR…]`: version.bind, authors.bind, hostname.bind and id.server of class CH. */
export const chaosDirective: Directive<ChaosSettings> = {
  occurs: "once",
  setup: (line, context) => {
    if (line.block !== undefined)
      context.error(line.name, "'chaos' takes no block, write 'chaos [VERSION] [AUTHOR...]'");
    for (const token of line.args) {
      if (Buffer.byteLength(token.text) > MAX_TEXT) context.error(token, `text must be at most ${MAX_TEXT} octets`);
    }
    const [version, ...authors] = line.args.map(({ text }) => text);
    return { version, authors };
  },
};
