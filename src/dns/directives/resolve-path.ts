import { dirname, isAbsolute, join } from "node:path";
import type { Token } from "../corefile/token.ts";

/** The path of a file that a Corefile names: relative to `root` if it is given, else to the folder of the Corefile. */
export const resolvePath = ({ text, place }: Token, root?: string): string => {
  if (isAbsolute(text)) return text;
  const folder = dirname(place.file);
  return root === undefined ? join(folder, text) : join(isAbsolute(root) ? root : join(folder, root), text);
};
