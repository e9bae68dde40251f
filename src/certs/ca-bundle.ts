import { generationOf } from "./authority.ts";
import { inspectCertificate, splitBundle } from "./inspect.ts";

type Member = { readonly pem: string; readonly generation: number; readonly notBefore: number };

/** Our own CAs in a PEM bundle. Foreign certificates and broken ones are left out: nobody vouches for them. */
function ownMembers(bundle: string): Member[] {
  return splitBundle(bundle).flatMap((pem) => {
    const inspected = inspectCertificate(pem);
    if (!inspected.ok || !inspected.value.ca) return [];
    const generation = generationOf(inspected.value.commonName);
    return generation === undefined ? [] : [{ pem, generation, notBefore: inspected.value.notBefore }];
  });
}

/**
 * The union of our CAs in all bundles, oldest generation first: the list of generations that an API server must trust.
 * Nothing is ever taken out here, so two leaders that do not know of each other can only add: a CA that still has
 * leaves in use stays trusted. The order depends on the members alone, so that all replicas write the same bytes.
 */
export function unionOfBundles(bundles: readonly string[]): string {
  const members = new Map(bundles.flatMap(ownMembers).map((member) => [member.pem, member]));
  return [...members.values()]
    .sort((a, b) => a.generation - b.generation || a.notBefore - b.notBefore || (a.pem < b.pem ? -1 : 1))
    .map(({ pem }) => pem)
    .join("");
}

/** The highest generation in any of the bundles, 0 when there is none. The next CA takes the number after it. */
export const newestGeneration = (bundles: readonly string[]): number =>
  Math.max(0, ...bundles.flatMap(ownMembers).map(({ generation }) => generation));

/** Whether two bundles hold the same certificates, whatever their order and the text between them. */
export function sameBundle(a: string, b: string): boolean {
  const left = new Set(splitBundle(a));
  const right = new Set(splitBundle(b));
  return left.size === right.size && [...left].every((pem) => right.has(pem));
}
