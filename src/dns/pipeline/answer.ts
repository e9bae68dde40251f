import { RCODE } from "../wire/codes.ts";
import type { WireMessage, WireRecord } from "../wire/records.ts";
import { edeOption, type LocalAnswer } from "../wire/reply.ts";

/** Who answered: the directive's name, for `coredns_dns_responses_total{plugin}`. */
type Attributed = {
  readonly by: string;
  /** What went wrong, for the `errors` directive: `read udp 10.0.0.1:4->10.0.0.2:53: i/o timeout`. */
  readonly cause?: string;
  /** Header bits that the `header` directive forces, after everything else. */
  readonly header?: { readonly set: number; readonly clear: number };
  /** Called once by the server's edge when the answer is sent; only `log` sets it, for what it alone cannot know. */
  readonly onSent?: OnSent;
};

/**
 * Told what the client gets and how long it has waited. `bytes` is valid during the call only; undefined when nothing
 * is sent. Must not throw.
 */
export type OnSent = (bytes: Buffer | undefined, seconds: number) => void;

/** Made here, of parts that fit behind any question: the owner of every record is the question's name. */
export type PreparedAnswer = Attributed & LocalAnswer & { readonly form: "prepared" };

/** Records of a whole message: an upstream's, a cached one, or one that was composed here. */
export type MessageAnswer = Attributed & {
  readonly form: "message";
  readonly rcode: number;
  /** FLAG.AA and FLAG.AD as the source set them; AD is shown only to clients that asked for it. */
  readonly flags: number;
  /** Its question has the same octets as what was asked at this point, but for case. */
  readonly message: WireMessage;
  /**
   * The records that are shown, in order, all of `message`. The same array as `message.records` when nothing is left
   * out or moved: the octets are then copied whole.
   */
  readonly records: readonly WireRecord[];
  /** Takes the place of every record's own TTL. */
  readonly ttlSeconds?: number;
  /** An encoded EDNS option. */
  readonly ede?: Uint8Array;
};

/** Nothing is sent. */
export type DroppedAnswer = Attributed & { readonly form: "dropped"; readonly rcode: number };

/** What comes back through the directives of a server block. Immutable: a directive that changes it makes another. */
export type Answer = PreparedAnswer | MessageAnswer | DroppedAnswer;

/** An answer without records. `code` and `text` become an extended error (RFC 8914). */
export function refusal(by: string, rcode: number, code?: number, text = ""): PreparedAnswer {
  const answer = { form: "prepared", by, rcode } as const;
  return code === undefined ? answer : { ...answer, ede: edeOption(code, text) };
}

/** SERVFAIL with the reason for the client and, as `cause`, for the log. */
export const failed = (by: string, code: number, text: string, cause = text): PreparedAnswer => ({
  form: "prepared",
  by,
  rcode: RCODE.SERVFAIL,
  ede: edeOption(code, text),
  cause,
});

/** A whole message as an answer. `authoritative` is for what is served from here. */
export const messageAnswer = (by: string, message: WireMessage, flags: number): MessageAnswer => ({
  form: "message",
  by,
  rcode: message.rcode,
  flags,
  message,
  records: message.records,
});
