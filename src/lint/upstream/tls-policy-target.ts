import type { Kinds } from "../../model/kinds.ts";
import type { ObjectIndex } from "../../model/object-index.ts";
import type { Report } from "../rule.ts";

/** Kinds of targets that are read, by their group. */
const TARGETS: Readonly<Record<string, "Service" | "ServiceEntry">> = {
  "/Service": "Service",
  "networking.istio.io/ServiceEntry": "ServiceEntry",
};

/** What a BackendTLSPolicy targets and is not there: an object of its own namespace, or a port of it by name. */
export function missingTlsTargets(
  { metadata, spec }: Kinds["BackendTLSPolicy"],
  objects: ObjectIndex,
): readonly Report[] {
  return (spec?.targetRefs ?? []).flatMap(
    ({ group = "", kind = "", name = "", sectionName }, index): readonly Report[] => {
      const id = `${group}/${kind}`;
      const known = Object.hasOwn(TARGETS, id) ? TARGETS[id] : undefined;
      if (known === undefined) return [];
      const path = ["spec", "targetRefs", index];
      const target = objects.get(known, metadata.namespace, name);
      if (target === undefined) {
        const message = `${kind} \`${name}\` not found in namespace \`${metadata.namespace}\`: the policy gives no connection TLS`;
        const hint = `Create the policy in the namespace of the ${kind}, with its exact name.`;
        return [{ path: [...path, "name"], message, hint }];
      }
      const ports: readonly { readonly name?: string }[] = target.spec?.ports ?? [];
      if (sectionName === undefined || ports.some((port) => port.name === sectionName)) return [];
      const message = `${kind} \`${name}\` has no port named \`${sectionName}\`: the policy gives no connection TLS`;
      const hint = "Use the name of a port, or remove `sectionName` to mean all of them.";
      return [{ path: [...path, "sectionName"], message, hint }];
    },
  );
}
