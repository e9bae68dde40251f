import type { Directive } from "../directive.ts";
import { hasShape } from "../read-arguments.ts";

export type RootSettings = { readonly path: string };

/** `root PATH`: where relative files of `hosts` lie. Nothing is read here. */
export const rootDirective: Directive<RootSettings> = {
  occurs: "once",
  setup: (line, context) => {
    hasShape(line, { form: "root PATH", minimum: 1 }, context);
    return { path: line.args[0]?.text ?? "." };
  },
};
