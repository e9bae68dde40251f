import { formatDiagnostic } from "../../../src/dns/corefile/diagnostic.ts";
import { type Compatibility, loadCorefile } from "../../../src/dns/directives/load-corefile.ts";
import { memoryFiles } from "../corefile/memory-files.ts";

export type LoadOptions = {
  readonly files?: Readonly<Record<string, string>>;
  readonly compatibility?: Compatibility;
};

export const load = (text: string, { files = {}, compatibility = "strict" }: LoadOptions = {}) => {
  const loaded = loadCorefile({
    file: "etc/Corefile",
    text,
    environment: {},
    files: memoryFiles(files),
    compatibility,
  });
  return { ...loaded, problems: loaded.diagnostics.map(formatDiagnostic) };
};

/** The settings of the lines of one server block for example.org, in the order of execution. */
export function settingsOf(lines: string, options?: LoadOptions): readonly unknown[] {
  const { servers, problems } = load(`example.org {\n${lines}\n}`, options);
  if (servers === undefined) throw new Error(problems.join("\n"));
  return servers.flatMap(({ directives }) => directives.map(({ settings }) => settings));
}

/** What is wrong with the lines of one server block; the first of them is line 2. */
export const problemsOf = (lines: string, options?: LoadOptions): string =>
  load(`example.org {\n${lines}\n}`, options).problems.join("\n");
