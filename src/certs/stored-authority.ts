import { type Authority, LEAF_LIFE_MS } from "./authority.ts";
import { unionOfBundles } from "./ca-bundle.ts";
import type { StoredSecret } from "./cluster-api.ts";
import { daysLeft, inspectPair } from "./inspect.ts";

/** The Secret that holds the CAs. Only the leader reads it. */
export const AUTHORITY_SECRET = "sluice-ca";

/**
 * What the CA Secret holds: `active` names the generation that signs, `generation-<n>.crt` and `generation-<n>.key`
 * are there for each generation that is kept, and `ca.crt` is all their certificates, for people.
 */
export type StoredAuthorities = {
  /** The CA that signs now; undefined when there is none that can, and then `problem` says why. */
  readonly active: (Authority & { readonly notAfter: number }) | undefined;
  readonly problem: string | undefined;
  /** Certificates of every generation in the Secret, PEM. */
  readonly bundle: string;
};

const CERTIFICATE_KEY = /^generation-(\d{1,9})\.crt$/;

/**
 * A CA signs only while a whole leaf still fits into its life. Its successor therefore comes 90 days before it ends,
 * and both are trusted until then: a leaf of the old one is replaced in its turn, 30 days before the old CA ends.
 */
const SIGNING_MARGIN_MS = LEAF_LIFE_MS;

/** Reads the CA Secret. Never throws: whatever is broken in it is a problem, and what is whole stays trusted. */
export function readAuthorities(secret: StoredSecret | undefined, now: number): StoredAuthorities {
  if (secret === undefined) return { active: undefined, problem: "the CA Secret does not exist", bundle: "" };
  const { data } = secret;
  const generations = Object.keys(data).flatMap((key) => {
    const digits = CERTIFICATE_KEY.exec(key)?.[1];
    return digits === undefined ? [] : [Number(digits)];
  });
  const bundle = unionOfBundles(generations.map((generation) => data[certificateKey(generation)] ?? ""));
  const generation = Number(data["active"]);
  const authority = {
    generation,
    cert: data[certificateKey(generation)] ?? "",
    key: data[privateKey(generation)] ?? "",
  };
  const inspected = inspectPair(authority);
  const broken = (problem: string): StoredAuthorities => ({ active: undefined, problem, bundle });
  if (!inspected.ok)
    return broken(`the CA of generation '${data["active"] ?? ""}' ${inspected.problems.join(" and ")}`);
  if (!inspected.value.ca) return broken(`the certificate of generation ${generation} is not a CA`);
  if (inspected.value.notAfter - now < SIGNING_MARGIN_MS) {
    return broken(`the CA of generation ${generation} ends in ${Math.floor(daysLeft(inspected.value, now))} days`);
  }
  return { active: { ...authority, notAfter: inspected.value.notAfter }, problem: undefined, bundle };
}

/** The data to add to the CA Secret so that this CA signs from now on. Earlier generations stay where they are. */
export const authorityData = (authority: Authority, known: string): Readonly<Record<string, string>> => ({
  active: String(authority.generation),
  [certificateKey(authority.generation)]: authority.cert,
  [privateKey(authority.generation)]: authority.key,
  "ca.crt": unionOfBundles([known, authority.cert]),
});

const certificateKey = (generation: number): string => `generation-${generation}.crt`;
const privateKey = (generation: number): string => `generation-${generation}.key`;
