import type { ObjectRef } from "../model/object-ref.ts";
import type { Locate, Place } from "../model/place.ts";
import type { Topology } from "../model/topology.ts";
import { literalCredentials } from "./auth/literal-credentials.ts";
import type { LineOf } from "./render-text.ts";

/** Where credentials are written out, in the files of a picture, whatever rules are on and whatever is exempt. */
export const credentialPlaces = (
  topology: Pick<Topology, "decoded">,
  locate: (object: ObjectRef) => Locate | undefined,
): readonly Place[] =>
  topology.decoded.flatMap(({ object, ref }) => {
    const place = locate(ref);
    return place === undefined ? [] : literalCredentials(object).flatMap(({ path, range }) => place(path, range) ?? []);
  });

/** Lines with every stretch blotted out that holds a credential. The places are looked for when a line is first asked. */
export function hiddenLines(lineOf: LineOf, secrets: () => readonly Place[]): LineOf {
  let places: readonly Place[] | undefined;
  return (file, line) => {
    const text = lineOf(file, line);
    if (text === undefined) return undefined;
    places ??= secrets();
    return places
      .filter((place) => place.file === file && place.line <= line && line <= place.endLine)
      .reduce((shown, place) => hideStretch(shown, line, place), text);
  };
}

function hideStretch(shown: string, at: number, { line, column, endLine, endColumn }: Place): string {
  const from = line === at ? column - 1 : 0;
  const to = endLine === at ? endColumn - 1 : shown.length;
  return `${shown.slice(0, from)}${"*".repeat(Math.max(0, to - from))}${shown.slice(to)}`;
}
