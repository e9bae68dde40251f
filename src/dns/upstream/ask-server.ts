import { SluiceError } from "../../model/errors.ts";
import { FLAG } from "../wire/codes.ts";
import { foldKey, parseName } from "../wire/name.ts";
import { encodeQuestion } from "../wire/question.ts";
import { formatUpstream, type UpstreamAddress } from "./address.ts";
import { createForwarder } from "./forwarder.ts";

export type AskInput = {
  readonly server: UpstreamAddress;
  /** Presentation form, root dot optional. */
  readonly name: string;
  readonly type: number;
};

/**
 * Asks a server once, as a client would: UDP with EDNS, further attempts, TCP after a truncated answer. Gives the whole
 * message. Rejects with a SluiceError when the name is none or nobody answers.
 */
export async function askServer({ server, name, type }: AskInput): Promise<Buffer> {
  const raw = parseName(name);
  if (raw === undefined) {
    throw new SluiceError(
      "SLUICE_USAGE",
      `'${name}' is no domain name`,
      "write it as api.openai.com, non-ASCII labels as xn--…",
    );
  }
  const forwarder = createForwarder({ upstreams: [server] });
  try {
    const question = encodeQuestion(raw, type);
    const outcome = await forwarder.ask({ question, key: foldKey(raw), type, flags: FLAG.RD, dnssecOk: false });
    if (outcome.ok) return outcome.message.bytes;
    throw new SluiceError(
      "SLUICE_DNS_FAILED",
      `${formatUpstream(server)} did not answer: ${outcome.error}`,
      "check that the address and port are right, and that UDP and TCP to it are allowed",
    );
  } finally {
    forwarder.close();
  }
}
