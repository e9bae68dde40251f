import type { Directive } from "../directive.ts";

/** `id` undefined: the host name. */
export type NsidSettings = { readonly id: string | undefined };

/** An EDNS option holds at most 65535 octets; an answer of ours 1232. */
const MAX_ID = 256;

/** `nsid [DATA]`: who answered, for clients that ask with RFC 5001's option. */
export const nsidDirective: Directive<NsidSettings> = {
  occurs: "once",
  setup: (line, context) => {
    const id = line.args.length === 0 ? undefined : line.args.map(({ text }) => text).join(" ");
    if (line.block !== undefined) context.error(line.name, "'nsid' takes no block, write 'nsid [DATA]'");
    if (id !== undefined && Buffer.byteLength(id) > MAX_ID) {
      context.error(line.name, `nsid data must be at most ${MAX_ID} octets`);
    }
    return { id };
  },
};
