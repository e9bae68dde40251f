import type { ArtifactLocation, Location, LogicalLocation, PhysicalLocation, Region } from "sarif";
import { formatPath } from "../../model/field-path.ts";
import { formatRef, type ObjectRef } from "../../model/object-ref.ts";
import type { Place } from "../../model/place.ts";
import type { ReportedFile, TextReplacement } from "./format.ts";

/** The root of the sources, a name that consumers such as GitHub know. Where it is on this machine is not told. */
export const ROOT = "%SRCROOT%";

/** Characters of a path as a URI may hold them; `:` too, which would look like a scheme. */
const encodePath = (path: string): string =>
  path
    .split("/")
    .map((segment) => encodeURIComponent(segment))
    .join("/");

export function artifactOf({ kind, path }: ReportedFile): ArtifactLocation {
  if (kind === "inside") return { uri: encodePath(path), uriBaseId: ROOT };
  if (kind === "stream") return { uri: encodePath(path.replaceAll(/[<>]/g, "")) };
  return { uri: `file://${path.startsWith("/") ? "" : "/"}${encodePath(path)}` };
}

/** Lines and columns count from 1 in both, in UTF-16 units, the end is exclusive in both. */
export const regionOf = ({ line, column, endLine, endColumn }: Omit<Place, "file">): Region => ({
  startLine: line,
  startColumn: column,
  endLine,
  endColumn,
});

type FileOf = (file: string) => ReportedFile;

const physical = (place: Place | undefined, file: string | undefined, fileOf: FileOf): PhysicalLocation | undefined =>
  place !== undefined
    ? { artifactLocation: artifactOf(fileOf(place.file)), region: regionOf(place) }
    : file !== undefined
      ? { artifactLocation: artifactOf(fileOf(file)) }
      : undefined;

const logical = ({ kind, name, namespace }: ObjectRef, path: string): LogicalLocation => ({
  name,
  fullyQualifiedName: [formatRef({ kind, name, namespace }), path].filter((part) => part !== "").join(" "),
  kind: "resource",
});

/** What is known of where something is: its place or file, and its object with the field. */
export type Whereabouts = {
  readonly object?: ObjectRef | undefined;
  readonly path: Parameters<typeof formatPath>[0];
  readonly place?: Place | undefined;
  readonly file?: string | undefined;
};

export function locationOf({ object, path, place, file }: Whereabouts, fileOf: FileOf): Location {
  const physicalLocation = physical(place, file, fileOf);
  return {
    ...(physicalLocation === undefined ? {} : { physicalLocation }),
    ...(object === undefined ? {} : { logicalLocations: [logical(object, formatPath(path))] }),
  };
}

/** The replacements of one mend, by file. */
export const changesOf = (replacements: readonly TextReplacement[], fileOf: FileOf) =>
  [...Map.groupBy(replacements, ({ place }) => place.file)].map(([file, changes]) => ({
    artifactLocation: artifactOf(fileOf(file)),
    replacements: changes.map(({ place, text }) => ({
      deletedRegion: regionOf(place),
      insertedContent: { text },
    })),
  }));
