import { styleText } from "node:util";
import type { Paint } from "../lint/render-text.ts";
import { SluiceError } from "../model/errors.ts";
import { YAML_LIMITS } from "../sources/yaml/yaml-limits.ts";

/** What a command may touch of the world: given by main, replaced in tests. */
export type Terminal = {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
};

type Format = Parameters<typeof styleText>[0];

const FORMATS: Record<Parameters<Paint>[0], Format> = {
  error: ["bold", "red"],
  warning: ["bold", "yellow"],
  info: ["bold", "blue"],
  strong: "bold",
  faint: "dim",
};

/** Colours when the stream is a terminal; NO_COLOR and FORCE_COLOR are honoured (node:util styleText). */
export const painter =
  (stream: NodeJS.WritableStream): Paint =>
  (style, text) =>
    styleText(FORMATS[style], text, { stream: stream as NodeJS.WriteStream, validateStream: true });

/**
 * Standard input as text, without its byte order mark unless `keepMark` says so. Throws SLUICE_INPUT_INVALID above the
 * limit of one input, or when it is not UTF-8.
 */
export async function readStdinText(stdin: NodeJS.ReadableStream, keepMark = false): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > YAML_LIMITS.bytes) {
      throw new SluiceError("SLUICE_INPUT_INVALID", "standard input holds more than 4 MiB", "split the input");
    }
    chunks.push(bytes);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: keepMark }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new SluiceError("SLUICE_INPUT_INVALID", "standard input is not UTF-8 text", "convert it to UTF-8", cause);
  }
}
