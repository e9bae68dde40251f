import type { LineOf } from "../lint/render-text.ts";
import type { Decoded } from "../model/decode.ts";
import { SluiceError } from "../model/errors.ts";
import type { Kind } from "../model/kinds.ts";
import { identityOf, type ObjectRef } from "../model/object-ref.ts";
import type { Locate } from "../model/place.ts";
import { buildTopology, type Topology } from "../model/topology.ts";
import { createCatalogue } from "../schema/catalogue.ts";
import { createSchemaChecker, type SchemaChecker } from "../schema/check-object.ts";
import type { Definition } from "../schema/definition.ts";
import { applyGatewayAddresses } from "../sources/gateway-addresses.ts";
import type { LocatedObject } from "../sources/located-object.ts";
import type { Manifests } from "../sources/manifests.ts";
import { definitionsAmong } from "./lint-definitions.ts";
import type { LintSettings } from "./lint-settings.ts";

/** What is judged: one picture, and where its objects come from. */
export type LintInput = {
  readonly topology: Topology;
  readonly manifests: Manifests;
  readonly locate: (object: ObjectRef) => Locate | undefined;
  readonly lineOf: LineOf;
  /** The untyped object, for what a finding is known by. */
  readonly rawOf: (object: ObjectRef) => unknown;
  readonly fileOf: (object: ObjectRef) => string | undefined;
  /** Position of an object among those of its file, from 0. */
  readonly indexOf: (object: ObjectRef) => number | undefined;
  /** Whether findings of an object are shown. */
  readonly isShown: (object: ObjectRef) => boolean;
  /** Whether objects of a cluster are in the picture. */
  readonly fromCluster: boolean;
  /** What files are laid over; absent: files alone are the picture. */
  readonly underlay?: Underlay;
  readonly definitions: InputDefinitions;
};

/** The CustomResourceDefinitions that objects are checked against. */
export type InputDefinitions = {
  /** Those of `--crd-dir`. */
  readonly given: readonly Definition[];
  /** Checks against these, those among the manifests and those of the cluster, in this order of weight. */
  readonly checker: SchemaChecker;
};

/** Objects that files are laid over, and how. */
export type Underlay = {
  readonly objects: readonly Decoded[];
  /** Objects of files as the cluster would hold them after they were applied. */
  readonly applied: (objects: readonly LocatedObject[]) => readonly LocatedObject[];
  /** Whether the findings of the cluster's own objects are shown beside those of files. */
  readonly all: boolean;
  /** Kinds of which not everything could be read: that one of their objects is absent proves nothing. */
  readonly unread: ReadonlySet<Kind>;
  /** The namespaces that were read; empty: all. */
  readonly namespaces: readonly string[];
  /** CustomResourceDefinitions as the cluster has them; undefined where they could not be read. */
  readonly definitions: readonly unknown[] | undefined;
};

export type InputParts = {
  readonly manifests: Manifests;
  readonly lineOf: LineOf;
  readonly underlay?: Underlay;
  /** Definitions of `--crd-dir`. */
  readonly definitions?: readonly Definition[];
  /** Of a state of the past a Gateway may be missing that an address is given for. */
  readonly lenient?: boolean;
};

function addressed(objects: readonly Decoded[], settings: LintSettings, lenient: boolean): readonly Decoded[] {
  const { objects: found, problems } = applyGatewayAddresses(objects, settings.gatewayAddresses);
  if (problems.length === 0 || lenient || settings.gatewaysMayMiss) return found;
  throw new SluiceError("SLUICE_INPUT_INVALID", problems.join("\n"), "give the name of a Gateway in the manifests");
}

/** Puts files, and what they are laid over, together. Throws SLUICE_INPUT_INVALID for an address that fits no Gateway. */
export function assembleInput(parts: InputParts, settings: LintSettings): LintInput {
  const { manifests, lineOf, underlay, definitions = [], lenient = false } = parts;
  const own = underlay === undefined ? manifests.decoded : underlay.applied(manifests.decoded);
  const written = new Map(own.map((object) => [identityOf(object.ref), object]));
  const below = (underlay?.objects ?? []).filter(({ ref }) => !written.has(identityOf(ref)));
  const objects = addressed([...below, ...own], settings, lenient);
  const raws = new Map(objects.map(({ ref, raw }) => [identityOf(ref), raw]));
  const everything = underlay === undefined || underlay.all || manifests.files.length === 0;
  return {
    topology: buildTopology(objects, settings.topology),
    manifests,
    locate: (ref) => written.get(identityOf(ref))?.locate,
    lineOf,
    rawOf: (ref) => raws.get(identityOf(ref)),
    fileOf: (ref) => written.get(identityOf(ref))?.file,
    indexOf: (ref) => written.get(identityOf(ref))?.index,
    isShown: (ref) => everything || written.has(identityOf(ref)),
    fromCluster: underlay !== undefined,
    ...(underlay === undefined ? {} : { underlay }),
    definitions: { given: definitions, checker: checkerOf(parts) },
  };
}

/** Of several definitions of one kind the last counts. */
const checkerOf = ({ manifests, underlay, definitions = [] }: InputParts): SchemaChecker =>
  createSchemaChecker(
    createCatalogue([
      ...definitionsAmong(underlay?.definitions ?? []),
      ...definitionsAmong(manifests.unknownKinds.map(({ raw }) => raw)),
      ...definitions,
    ]),
  );

/** The error for `--stdin-filename` without standard input among the paths. */
export const stdinNotRead = (file: string): SluiceError =>
  new SluiceError(
    "SLUICE_USAGE",
    `--stdin-filename ${file} names standard input, which is not among the paths`,
    "add - to the paths",
  );

/** The error for `--fix` without files that could be changed. */
export const nothingToFix = (): SluiceError =>
  new SluiceError("SLUICE_USAGE", "--fix changes files, and none is given", "name the files or folders to change");
