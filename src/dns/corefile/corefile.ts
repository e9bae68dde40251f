import type { Place } from "../../model/place.ts";
import type { Token } from "./token.ts";

/** A directive or an option: its word, what follows it on the line, and the lines of its block. */
export type CorefileLine = {
  readonly name: Token;
  readonly args: readonly Token[];
  /** Present when the line ends in `{`, also when nothing is in the block. */
  readonly block?: readonly CorefileLine[];
};

/** One zone and port that a server block answers for. A CIDR that lies off a boundary gives several. */
export type ServerKey = {
  /** Absolute, lower case: `.` or `example.org.`. */
  readonly zone: string;
  readonly port: number;
  readonly place: Place;
};

export type ServerBlock = {
  readonly keys: readonly ServerKey[];
  /** In the order of the file, which means nothing. */
  readonly directives: readonly CorefileLine[];
};

/** A Corefile with its imports and variables put in. Words of directives are not yet understood. */
export type Corefile = { readonly servers: readonly ServerBlock[] };
