import type { CorefileLine } from "../corefile/corefile.ts";
import type { CorefileFiles } from "../corefile/corefile-files.ts";
import type { Token } from "../corefile/token.ts";

/** What a directive's set-up may look at besides its own line. */
export type SetupContext = {
  /** Zones of the server block: what a directive without zones of its own applies to. Absolute, lower case. */
  readonly zones: readonly string[];
  /** `root` of the server block, if it has one: relative files of `hosts` lie there. */
  readonly root: string | undefined;
  readonly files: CorefileFiles;
  /** Reports at a token. Gives undefined, so that a reader can end with it. */
  readonly error: (at: Token, message: string) => undefined;
  readonly warning: (at: Token, message: string) => undefined;
};

/**
 * A directive: its text becomes settings, nothing else happens. Settings that come with an error are never used, so
 * set-up goes on with a default and finds the next error.
 */
export type Directive<S> = {
  /** `once`: a second one in a server block is an error. */
  readonly occurs: "once" | "any";
  readonly setup: (line: CorefileLine, context: SetupContext) => S;
};

/** Settings of a directive that has none. */
export type NoSettings = Readonly<Record<never, never>>;
