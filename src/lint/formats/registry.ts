import type { Format } from "./format.ts";
import { githubFormat } from "./github.ts";
import { jsonFormat } from "./json.ts";
import { junitFormat } from "./junit.ts";
import { sarifFormat } from "./sarif.ts";
import { textFormat } from "./text.ts";

/** The output formats of `sluice lint`: the one list that help, checks and documents are made from. */
export const FORMATS = {
  text: textFormat,
  json: jsonFormat,
  sarif: sarifFormat,
  github: githubFormat,
  junit: junitFormat,
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;

/** In the order of help and documents. */
export const FORMAT_NAMES = Object.keys(FORMATS) as readonly FormatName[];

export const isFormatName = (name: string): name is FormatName => Object.hasOwn(FORMATS, name);
