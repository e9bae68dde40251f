import { formatPath, valueAt } from "../../src/model/field-path.ts";
import type { Finding } from "../../src/model/finding.ts";
import { formatRef, identityOf } from "../../src/model/object-ref.ts";
import type { Topology } from "../../src/model/topology.ts";

/** The stretch of the field that a finding is about; undefined when it is about all of it. */
export function textUnderCaret({ object, path, range }: Finding, topology: Topology): string | undefined {
  if (range === undefined) return undefined;
  const raw = topology.decoded.find(({ ref }) => identityOf(ref) === identityOf(object))?.raw;
  const value = valueAt(raw, path);
  return typeof value === "string" ? value.slice(range.start, range.end) : undefined;
}

/** Everything that a finding tells its reader, one thing a line. */
export function toldFinding(finding: Finding, topology: Topology): string {
  const { severity, scope, object, path, at, secret, message, hint, related = [], mend } = finding;
  const text = textUnderCaret(finding, topology);
  const marks = [text === undefined ? [] : `«${text}»`, at ?? [], secret === undefined ? [] : "secret"].flat();
  return [
    [severity, scope, formatRef(object), formatPath(path), ...marks].join(" "),
    `  ${message}`,
    ...related.map((place) => `  - ${place.message}: ${formatRef(place.object)} ${formatPath(place.path)}`),
    `  help: ${hint}`,
    ...(mend === undefined ? [] : [`  mend: ${mend.title}`]),
  ].join("\n");
}
