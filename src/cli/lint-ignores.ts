import { isAbsolute, relative, resolve } from "node:path";
import type { LocatedFinding } from "../lint/located-finding.ts";
import { formatPath } from "../model/field-path.ts";
import type { ObjectRef } from "../model/object-ref.ts";
import type { Ignore, LintConfig } from "./lint-config.ts";
import { IGNORE_RULE } from "./lint-config-shape.ts";
import { fitsGlob, fitsPattern } from "./path-glob.ts";

/** What the ignores of a file made of some findings. */
export type IgnoreOutcome = {
  readonly kept: readonly LocatedFinding[];
  /** How many findings are not shown. */
  readonly ignored: number;
};

/** What was linted, as far as an ignore that hides nothing must know it. */
export type Linted = {
  readonly objects: readonly { readonly ref: ObjectRef; readonly file?: string }[];
  /** Whether that is everything that the file is about; otherwise an ignore may be about something else. */
  readonly whole: boolean;
  /** `YYYY-MM-DD`. */
  readonly today: string;
};

/** A file's path below a folder, with `/`; undefined when it is elsewhere. */
export function pathBelow(folder: string, file: string): string | undefined {
  const path = relative(folder, resolve(file));
  return path === "" || path.startsWith("..") || isAbsolute(path) ? undefined : path.replaceAll("\\", "/");
}

const fitsFile = (glob: string, file: string | undefined, folder: string): boolean => {
  const path = file === undefined ? undefined : pathBelow(folder, file);
  return path !== undefined && fitsGlob(path, glob);
};

function fitsObject({ kind, namespace, name }: Ignore, object: ObjectRef | undefined): boolean {
  if (kind === undefined && namespace === undefined && name === undefined) return true;
  return (
    object !== undefined &&
    (kind === undefined || kind === object.kind) &&
    (namespace === undefined || fitsPattern(object.namespace, namespace)) &&
    (name === undefined || fitsPattern(object.name, name))
  );
}

/** Whether a field is the one that is meant, or below it. */
function fitsField(wanted: string, actual: string): boolean {
  const anyPosition = (path: string): string => path.replaceAll(/\[(?:[0-9]+|\*)\]/g, "[*]");
  const [field, meant] = wanted.includes("[*]") ? [anyPosition(actual), anyPosition(wanted)] : [actual, wanted];
  return field === meant || (field.startsWith(meant) && /^[.[]/.test(field.slice(meant.length)));
}

const isOver = ({ until }: Ignore, today: string): boolean => until !== undefined && today > until;

const fits = (ignore: Ignore, { finding, place, file }: LocatedFinding, folder: string): boolean =>
  ignore.rule === finding.rule &&
  fitsObject(ignore, finding.object) &&
  (ignore.path === undefined || fitsField(ignore.path, formatPath(finding.path))) &&
  (ignore.file === undefined || fitsFile(ignore.file, place?.file ?? file, folder));

/**
 * Takes out the findings that a settings file accepts, and adds one for each ignore that is over or hides nothing. In a
 * part of what the file is about only ignores that name something in that part can be told to be useless.
 */
export function applyIgnores(
  findings: readonly LocatedFinding[],
  config: LintConfig | undefined,
  linted: Linted,
): IgnoreOutcome {
  const ignores = config?.ignores ?? [];
  if (config === undefined || ignores.length === 0) return { kept: findings, ignored: 0 };
  const used = new Set<Ignore>();
  const kept = findings.filter((finding) => {
    const matching = ignores.filter((ignore) => fits(ignore, finding, config.folder));
    for (const ignore of matching) used.add(ignore);
    return matching.every((ignore) => isOver(ignore, linted.today));
  });
  const useless = ignores.flatMap((ignore, index): readonly LocatedFinding[] => {
    if (isOver(ignore, linted.today)) return [overFinding(ignore, index, config)];
    return used.has(ignore) || !isAbout(ignore, linted, config) ? [] : [uselessFinding(ignore, index, config)];
  });
  return { kept: [...kept, ...useless], ignored: findings.length - kept.length };
}

/** Whether it can be told from what was linted that an ignore is useless. */
function isAbout(ignore: Ignore, { objects, whole }: Linted, { folder }: LintConfig): boolean {
  if (whole) return true;
  const { name, file } = ignore;
  if (name === undefined && file === undefined) return false;
  return objects.some(
    (object) => fitsObject(ignore, object.ref) && (file === undefined || fitsFile(file, object.file, folder)),
  );
}

function aboutIgnore(index: number, config: LintConfig, message: string, hint: string): LocatedFinding {
  const place = config.placeOf(["ignores", index, "rule"]);
  return {
    finding: {
      rule: IGNORE_RULE,
      severity: "warning",
      scope: "object",
      title: "An ignore has no effect",
      message,
      hint,
      path: [],
    },
    file: config.file,
    ...(place === undefined ? {} : { place }),
  };
}

function uselessFinding(ignore: Ignore, index: number, config: LintConfig): LocatedFinding {
  const isOff = config.rules?.[ignore.rule] === "off";
  const message = isOff
    ? `rule \`${ignore.rule}\` is off, so nothing of it has to be ignored`
    : `no finding of \`${ignore.rule}\` fits this ignore, so it is not needed`;
  return aboutIgnore(index, config, message, "Remove it, or correct what it names.");
}

function overFinding({ rule, until, reason }: Ignore, index: number, config: LintConfig): LocatedFinding {
  const message = `the ignore of \`${rule}\` was for the time until ${until} and no longer counts (${reason})`;
  return aboutIgnore(index, config, message, "Mend what it was for and remove it, or give it a later date.");
}
