import type { Place } from "../../model/place.ts";

/** One word of a Corefile, with its environment variables already put in. */
export type Token = {
  readonly text: string;
  readonly place: Place;
  /** Written in double quotes: then it is never a brace or a keyword. */
  readonly quoted: boolean;
  /** Variables in it that are empty or not set. */
  readonly unset: readonly string[];
};

/** The tokens of one logical line; a quoted token may itself hold line breaks. Never empty. */
export type TokenLine = readonly [Token, ...Token[]];

export const isOpenBrace = (token: Token | undefined): boolean => token?.text === "{" && !token.quoted;
export const isCloseBrace = (token: Token | undefined): boolean => token?.text === "}" && !token.quoted;

/** How many blocks a line leaves open (or, below zero, closes). */
export const braceBalance = (line: readonly Token[]): number =>
  line.filter(isOpenBrace).length - line.filter(isCloseBrace).length;

/** Names the variables that are missing in a token; empty when none is. */
export const unsetNote = ({ unset }: Token): string =>
  unset.length === 0 ? "" : ` (environment variable ${unset.join(", ")} is empty or not set)`;

/** What is said of an argument whose variables leave nothing of it. */
export const emptyArgument = ({ unset }: Token): string =>
  `environment variable ${unset.join(", ")} is empty or not set, which leaves an empty argument`;
