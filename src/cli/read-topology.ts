import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import type { LineOf } from "../lint/render-text.ts";
import { SluiceError } from "../model/errors.ts";
import { identityOf, type ObjectRef } from "../model/object-ref.ts";
import type { Locate } from "../model/place.ts";
import { buildTopology, DEFAULT_TOPOLOGY_SETTINGS, type Topology, type TopologySettings } from "../model/topology.ts";
import { applyGatewayAddresses, parseGatewayAddress } from "../sources/gateway-addresses.ts";
import { type Manifests, readManifests, STDIN_NAME } from "../sources/manifests.ts";
import { formatProblem } from "../sources/source-problem.ts";
import { readStdinText, type Terminal } from "./terminal.ts";

export type TopologyInput = {
  readonly paths: readonly string[];
  readonly gatewayAddress: readonly string[];
  readonly settings?: TopologySettings;
};

/** Manifests as one picture, with the way back to where each object is written. */
export type TopologyFromFiles = {
  readonly topology: Topology;
  readonly manifests: Manifests;
  readonly locate: (object: ObjectRef) => Locate | undefined;
  readonly lineOf: LineOf;
};

/** Adds one value of a repeatable option to those before it. */
export const repeatable = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value];

/** A repeatable `--gateway-address`, checked while the command line is read. */
export const withGatewayAddress = (command: Command): Command =>
  command.option(
    "--gateway-address <[NS/]NAME=IP>",
    "address of a Gateway that is read from files, as its controller would set it; repeatable",
    (value: string, previous: readonly string[] = []) => {
      const parsed = parseGatewayAddress(value);
      if (!parsed.ok) throw new InvalidArgumentError(parsed.problems.join("; "));
      return [...previous, value];
    },
  );

/**
 * Reads manifests into a Topology. Throws SLUICE_INPUT_UNREADABLE for a path that cannot be used at all and
 * SLUICE_INPUT_INVALID for a `--gateway-address` that fits no Gateway; problems inside files are returned.
 */
export async function readTopology(
  input: TopologyInput,
  { stdin }: Pick<Terminal, "stdin">,
): Promise<TopologyFromFiles> {
  const text = input.paths.includes("-") ? await readStdinText(stdin) : undefined;
  const manifests = await readManifests({ paths: input.paths, ...(text === undefined ? {} : { stdin: text }) });
  const addresses = input.gatewayAddress
    .map(parseGatewayAddress)
    .flatMap((parsed) => (parsed.ok ? [parsed.value] : []));
  const applied = applyGatewayAddresses(manifests.decoded, addresses);
  if (applied.problems.length > 0) {
    throw new SluiceError(
      "SLUICE_INPUT_INVALID",
      applied.problems.join("\n"),
      "give the name of a Gateway in the manifests",
    );
  }
  const places = new Map(manifests.decoded.map(({ ref, locate }) => [identityOf(ref), locate]));
  return {
    topology: buildTopology(applied.objects, input.settings ?? DEFAULT_TOPOLOGY_SETTINGS),
    manifests,
    locate: (ref) => places.get(identityOf(ref)),
    lineOf: lineReader(text),
  };
}

/**
 * Reads lines of the files again for excerpts; what has gone since then is shown without its line. The text of standard
 * input is that of `stdinFile`.
 */
export function lineReader(stdin: string | undefined, stdinFile: string = STDIN_NAME): LineOf {
  const files = new Map<string, readonly string[]>();
  return (file, line) => {
    let lines = files.get(file);
    if (lines === undefined) {
      lines = splitLines(file === stdinFile ? (stdin ?? "") : textOf(file));
      files.set(file, lines);
    }
    return lines[line - 1];
  };
}

const splitLines = (text: string): readonly string[] => text.split(/\r\n|\n|\r/);

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch {
    return "";
  }
}

/** Prints the problems of the input on stderr; true when one of them is an error. */
export function printProblems(manifests: Manifests, stderr: NodeJS.WritableStream): boolean {
  for (const problem of manifests.problems) stderr.write(`${formatProblem(problem)}\n`);
  return manifests.problems.some(({ severity }) => severity === "error");
}
