import type { NameKey } from "../wire/name.ts";

/** What holds for every question of one server block and needs no directive's code. */
export type BlockFacts = {
  /** Its place in the Corefile, from 0. */
  readonly index: number;
  /** The zone of the block that the question's name lies in: one object for each zone. */
  readonly zone: NameKey;
  /** `zone` as text, for labels and logs: `.` or `example.org.`. */
  readonly zoneText: string;
  /** `dns://:53`: the listener as the Corefile names it. */
  readonly server: string;
  /** Most octets of an answer over UDP, whatever the client allows (`bufsize`). */
  readonly maxUdpOctets: number;
  /** The encoded option for clients that ask for it (`nsid`, RFC 5001). */
  readonly nsid: Uint8Array | undefined;
};
