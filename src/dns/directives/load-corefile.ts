import { nearestName } from "../../model/nearest-name.ts";
import type { Corefile, CorefileLine, ServerBlock, ServerKey } from "../corefile/corefile.ts";
import type { CorefileFiles } from "../corefile/corefile-files.ts";
import { createReport, type Diagnostic, type Report } from "../corefile/diagnostic.ts";
import type { Environment } from "../corefile/environment.ts";
import { parseCorefile } from "../corefile/parse-corefile.ts";
import { shorten } from "../corefile/zone.ts";
import type { SetupContext } from "./directive.ts";
import { DIRECTIVES, type DirectiveName, EXECUTION_ORDER, isDirective, type SettingsOf } from "./registry.ts";
import { REJECTED } from "./rejected.ts";

/** `strict`: a directive that is not supported is an error. `warn`: it is passed over with a warning. */
export type Compatibility = "strict" | "warn";

export type LoadInput = {
  /** As errors name it; relative imports start from its folder. */
  readonly file: string;
  readonly text: string;
  readonly environment: Environment;
  readonly files: CorefileFiles;
  readonly compatibility: Compatibility;
};

/** One directive of a server block, understood. */
export type LoadedDirective = {
  readonly [N in DirectiveName]: { readonly name: N; readonly settings: SettingsOf<N>; readonly line: CorefileLine };
}[DirectiveName];

export type LoadedServer = {
  readonly keys: readonly ServerKey[];
  /** In the order of execution; several of one name in the order of the file. */
  readonly directives: readonly LoadedDirective[];
};

export type LoadedCorefile = {
  /** Undefined when there is an error. */
  readonly servers: readonly LoadedServer[] | undefined;
  readonly corefile: Corefile;
  readonly diagnostics: readonly Diagnostic[];
};

/** From the text of a Corefile to the settings of every directive, or to everything that is wrong with it. */
export function loadCorefile({ compatibility, ...input }: LoadInput): LoadedCorefile {
  const report = createReport();
  const corefile = parseCorefile({ ...input, report });
  const servers = corefile.servers.map((server) =>
    loadServer(server, {
      report,
      files: input.files,
      compatibility: usesKuadrant(corefile) ? "warn" : compatibility,
    }),
  );
  return { servers: report.hasErrors() ? undefined : servers, corefile, diagnostics: inOrder(report.diagnostics()) };
}

/** A Corefile of Kuadrant's image names directives that only that image has: they must not stop it. */
const usesKuadrant = ({ servers }: Corefile): boolean =>
  servers.some(({ directives }) => directives.some(({ name }) => name.text === "kuadrant"));

/** By file and line, so that the output reads like the file; problems of one line stay in the order they were found. */
const inOrder = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  diagnostics.toSorted(
    ({ place: a }, { place: b }) =>
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column,
  );

type LoadContext = {
  readonly report: Report;
  readonly files: CorefileFiles;
  readonly compatibility: Compatibility;
};

function loadServer({ keys, directives }: ServerBlock, context: LoadContext): LoadedServer {
  const seen = new Map<DirectiveName, CorefileLine[]>();
  for (const line of directives) {
    const name = line.name.text;
    if (!isDirective(name)) reportUnknown(line, context);
    else if (seen.get(name)?.push(line) === undefined) seen.set(name, [line]);
  }
  const root = seen.get("root")?.[0]?.args[0]?.text;
  const zones = keys.map(({ zone }) => zone);
  return {
    keys,
    directives: EXECUTION_ORDER.flatMap((name) =>
      loadDirective(name, seen.get(name) ?? [], { ...context, root, zones }),
    ),
  };
}

/** Unknown words behind this many problems get no suggestion. */
const MAX_SUGGESTIONS = 100;

function reportUnknown({ name }: CorefileLine, { report, compatibility }: LoadContext): void {
  const { text, place } = name;
  const advice = Object.hasOwn(REJECTED, text) ? REJECTED[text] : undefined;
  if (advice !== undefined) {
    const severity = compatibility === "warn" ? "warning" : "error";
    report.add({ severity, kind: "unsupported", place, message: `directive '${text}' is not supported: ${advice}` });
    return;
  }
  // Comparing names is what costs most here, and only the first problems are shown.
  const near =
    report.diagnostics().length > MAX_SUGGESTIONS
      ? undefined
      : nearestName(text, [...EXECUTION_ORDER, ...Object.keys(REJECTED)]);
  const suggestion = near === undefined ? "" : `, did you mean '${near}'?`;
  report.error(place, `Unknown directive '${shorten(text)}'${suggestion}`);
}

type DirectiveContext = LoadContext & { readonly root: string | undefined; readonly zones: readonly string[] };

function loadDirective(
  name: DirectiveName,
  lines: readonly CorefileLine[],
  { report, files, root, zones }: DirectiveContext,
): readonly LoadedDirective[] {
  const { occurs, setup } = DIRECTIVES[name];
  const [, second] = lines;
  if (occurs === "once" && second !== undefined) {
    report.error(second.name.place, `${name}: this plugin can only be used once per Server Block`);
  }
  const context: SetupContext = {
    zones,
    root,
    files,
    error: ({ place }, message) => report.error(place, `${name}: ${message}`),
    warning: ({ place }, message) => report.warning(place, `${name}: ${message}`),
  };
  // The name chooses both the set-up and the type of its settings, which the compiler cannot follow.
  return lines.map((line) => ({ name, settings: setup(line, context), line }) as LoadedDirective);
}
