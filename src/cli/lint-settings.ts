import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { RuleLevel, RuleLevels } from "../lint/levels.ts";
import type { Profile } from "../lint/run.ts";
import {
  COMPONENTS,
  type Component,
  type EngineVersions,
  parseRelease,
  type Release,
} from "../model/engine-versions.ts";
import { SluiceError } from "../model/errors.ts";
import { DEFAULT_TOPOLOGY_SETTINGS, type TopologySettings } from "../model/topology.ts";
import { type GatewayAddress, parseGatewayAddress } from "../sources/gateway-addresses.ts";
import type { PassOver } from "../sources/manifest-files.ts";
import { formatPlace } from "../sources/source-problem.ts";
import { CONFIG_NAME, findConfig, type LintConfig, readConfig } from "./lint-config.ts";
import { nearestOf } from "./lint-config-check.ts";
import { isRuleId, LEVELS, RULE_IDS } from "./lint-config-shape.ts";
import { pathBelow } from "./lint-ignores.ts";
import { fitsGlob } from "./path-glob.ts";

/** The flags of `sluice lint` that a settings file may stand in for, or that choose one. */
export type SettingFlags = {
  /** False for `--no-config`. */
  readonly config?: string | boolean;
  readonly profile?: Profile;
  readonly rule?: readonly string[];
  readonly maxWarnings?: number;
  readonly failOnWarning?: boolean;
  readonly gatewayAddress?: readonly string[];
  readonly crdDir?: readonly string[];
  readonly clusterDomain?: string;
  readonly engineVersion?: readonly string[];
};

/** What a run of `sluice lint` goes by: flags first, then the settings file, then defaults. */
export type LintSettings = {
  readonly config?: LintConfig;
  /** Files, folders, or `-`. */
  readonly paths: readonly string[];
  /** Whether that is everything that the settings file is about. */
  readonly whole: boolean;
  readonly passOver: PassOver;
  readonly profile: Profile;
  readonly levels: RuleLevels;
  /** More warnings make the exit code 1; -1 for any number. */
  readonly maxWarnings: number;
  readonly gatewayAddresses: readonly GatewayAddress[];
  /** Whether the Gateways of those addresses may be missing: what is linted may be a part of what the file is about. */
  readonly gatewaysMayMiss: boolean;
  /** Files and folders of CustomResourceDefinitions. */
  readonly crdDirs: readonly string[];
  readonly topology: TopologySettings;
};

const usage = (message: string, hint: string): SluiceError => new SluiceError("SLUICE_USAGE", message, hint);

/** Reads `NAME=VALUE`. */
function parsePair(flag: string, text: string, form: string): readonly [name: string, value: string] {
  const equals = text.indexOf("=");
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw usage(`${flag} ${JSON.stringify(text)} must have the form ${form}`, `write ${flag} ${form}`);
}

function levelOf(text: string): readonly [string, RuleLevel] {
  const [id, level] = parsePair("--rule", text, "ID=LEVEL");
  if (!isRuleId(id)) {
    const near = nearestOf(id, RULE_IDS);
    const hint = near === undefined ? "run `sluice rules` for the list" : `did you mean '${near}'?`;
    throw usage(`--rule: there is no rule '${id}'`, hint);
  }
  const found = LEVELS.find((candidate) => candidate === level);
  if (found === undefined) throw usage(`--rule ${id}: there is no level '${level}'`, `use ${LEVELS.join(", ")}`);
  return [id, found];
}

function componentOf(name: string): Component {
  const found = COMPONENTS.find((component) => component === name);
  if (found !== undefined) return found;
  const near = nearestOf(name, COMPONENTS);
  const hint = near === undefined ? `known are ${COMPONENTS.join(", ")}` : `did you mean '${near}'?`;
  throw usage(`--engine-version: there is no component '${name}'`, hint);
}

function releaseOf(component: Component, text: string, where: string): readonly (readonly [Component, Release])[] {
  const parsed = parseRelease(component, text);
  if (!parsed.ok) {
    const hint = "leave it out for the newest release that the rules know";
    throw new SluiceError("SLUICE_CONFIG_INVALID", `${where}: ${parsed.problems.join("; ")}`, hint);
  }
  return parsed.value === undefined ? [] : [[component, parsed.value]];
}

/** The place of a field of the settings file, for messages. */
function whereIs(config: LintConfig | undefined, path: readonly (string | number)[]): string {
  const place = config?.placeOf(path);
  return place === undefined ? (config?.file ?? CONFIG_NAME) : formatPlace(place);
}

function engineVersions(flags: SettingFlags, config: LintConfig | undefined): EngineVersions {
  const fromFile = Object.entries(config?.engineVersions ?? {}).flatMap(([name, text]) =>
    releaseOf(componentOf(name), text, whereIs(config, ["engineVersions", name])),
  );
  const given = (flags.engineVersion ?? []).map((text) => parsePair("--engine-version", text, "COMPONENT=VERSION"));
  const flagged = given.map(([name, text]) => ({ component: componentOf(name), text }));
  const replaced = new Set(flagged.map(({ component }) => component));
  return new Map([
    ...fromFile.filter(([component]) => !replaced.has(component)),
    ...flagged.flatMap(({ component, text }) => releaseOf(component, text, `--engine-version ${component}`)),
  ]);
}

function gatewayAddresses(flags: SettingFlags, config: LintConfig | undefined): readonly GatewayAddress[] {
  // The texts of flags were checked while the command line was read.
  const texts = flags.gatewayAddress ?? config?.gatewayAddress ?? [];
  return texts.map((text, index) => {
    const parsed = parseGatewayAddress(text);
    if (parsed.ok) return parsed.value;
    const where = whereIs(config, ["gatewayAddress", index]);
    throw new SluiceError("SLUICE_CONFIG_INVALID", `${where}: ${parsed.problems.join("; ")}`, "correct the address");
  });
}

/** What is not looked at inside folders: the settings file itself, and what it excludes. */
function passOverOf(config: LintConfig | undefined): PassOver {
  if (config === undefined) return () => false;
  const own = resolve(config.file);
  const { exclude = [], folder } = config;
  return (path) => {
    if (resolve(path) === own || path.split(/[/\\]/).at(-1) === CONFIG_NAME) return true;
    const below = pathBelow(folder, path);
    return below !== undefined && exclude.some((glob) => fitsGlob(below, glob));
  };
}

async function configOf(flags: SettingFlags, workingFolder: string): Promise<LintConfig | undefined> {
  if (flags.config === false) return undefined;
  const path = typeof flags.config === "string" ? flags.config : findConfig(workingFolder);
  return path === undefined ? undefined : await readConfig(path, workingFolder);
}

/**
 * Puts flags and settings file together. Throws SLUICE_USAGE, SLUICE_CONFIG_INVALID or SLUICE_INPUT_UNREADABLE;
 * `needsPaths` is false where there is something else to lint.
 */
export async function lintSettings(
  given: readonly string[],
  flags: SettingFlags,
  { workingFolder, needsPaths }: { readonly workingFolder: string; readonly needsPaths: boolean },
): Promise<LintSettings> {
  const config = await configOf(flags, workingFolder);
  // With a cluster, files are laid over it only when the command line names them.
  const configured = needsPaths ? (config?.paths ?? []) : [];
  const paths = given.length > 0 ? given : configured.map((path) => fromConfig(path, config, workingFolder));
  if (paths.length === 0 && needsPaths) {
    throw usage(
      "no path is given",
      "name files or folders, or - for standard input, or list them as `paths` in sluice.yaml",
    );
  }
  const engines = engineVersions(flags, config);
  const clusterDomain = flags.clusterDomain ?? config?.clusterDomain;
  return {
    ...(config === undefined ? {} : { config }),
    paths,
    whole: needsPaths && isWhole(given, config),
    passOver: passOverOf(config),
    profile: flags.profile ?? config?.profile ?? "default",
    levels: new Map([...Object.entries(config?.rules ?? {}), ...(flags.rule ?? []).map(levelOf)]),
    maxWarnings: flags.maxWarnings ?? (flags.failOnWarning === true ? 0 : (config?.maxWarnings ?? -1)),
    // Gateways of a cluster have the addresses that their controllers gave them.
    gatewayAddresses: gatewayAddresses(flags, needsPaths ? config : undefined),
    gatewaysMayMiss: flags.gatewayAddress === undefined && given.length > 0,
    crdDirs: flags.crdDir ?? (config?.crdDirs ?? []).map((path) => fromConfig(path, config, workingFolder)),
    topology: {
      ...DEFAULT_TOPOLOGY_SETTINGS,
      ...(clusterDomain === undefined ? {} : { clusterDomain }),
      ...(engines.size === 0 ? {} : { engines }),
    },
  };
}

/** Without `paths` in the settings file a folder, or a stream, is taken for all that the file is about; single files are not. */
const isWhole = (given: readonly string[], config: LintConfig | undefined): boolean =>
  given.length === 0 ||
  (config?.paths === undefined &&
    given.some((path) => path === "-" || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true));

/** A path of the settings file as seen from the working directory. */
function fromConfig(path: string, config: LintConfig | undefined, workingFolder: string): string {
  const absolute = resolve(config?.folder ?? workingFolder, path);
  return pathBelow(workingFolder, absolute) ?? (absolute === workingFolder ? "." : absolute);
}
