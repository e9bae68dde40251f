import { AUTH_PHASES, type AuthFlow, type AuthItem } from "./auth-flow.ts";
import { authSites, type ItemRead, itemReads } from "./auth-sites.ts";
import { targetsOf } from "./item-references.ts";

/** What a value varies with, through all the items that it is made of. */
export type Dependence = {
  /** Whether it varies with who calls. */
  readonly identity: boolean;
  /** The attributes of the request that it varies with, from `request` on. */
  readonly request: readonly (readonly string[])[];
  /** Whether that is all: everything it is made of could be read. */
  readonly certain: boolean;
};

const NONE: Dependence = { identity: false, request: [], certain: true };
const UNKNOWN: Dependence = { ...NONE, certain: false };

/** Different attributes of the request that are told apart; a policy of the guides has one. */
const MAX_REQUEST_PATHS = 32;
/** Items that a value goes through. The guides have two. */
const MAX_DEPTH = 32;

/** Names from `request` on: selectors also know the request as `context.request.http`. */
export const requestPath = (names: readonly string[]): readonly string[] =>
  names[0] === "context" && names[1] === "request" && names[2] === "http" ? ["request", ...names.slice(3)] : names;

function join(parts: readonly Dependence[]): Dependence {
  const request = new Map(
    parts.flatMap((part) => part.request.map((names) => [JSON.stringify(names), names] as const)),
  );
  return {
    identity: parts.some(({ identity }) => identity),
    request: [...request.values()].slice(0, MAX_REQUEST_PATHS),
    certain: parts.every(({ certain }) => certain) && request.size <= MAX_REQUEST_PATHS,
  };
}

/** Everything is immutable, and items are asked about again and again: each is followed once. */
const known = new WeakMap<readonly AuthItem[], Map<string, Dependence>>();

/** What an item's result varies with. Its `when` and its cache play no part. */
export function dependenceOf(item: AuthItem, flow: AuthFlow, depth = 0): Dependence {
  const answers = known.get(flow.items) ?? new Map<string, Dependence>();
  known.set(flow.items, answers);
  const key = `${item.phase}/${item.key}`;
  const answer = answers.get(key);
  if (answer !== undefined) return answer;
  if (depth > MAX_DEPTH) return UNKNOWN;
  // What refers to itself ends here.
  answers.set(key, UNKNOWN);
  const result = join([
    ownDependence(item),
    ofSites(item, flow),
    dependenceOfReads(itemReads(item, flow), flow, depth),
  ]);
  answers.set(key, result);
  return result;
}

/** What shows in no expression. */
function ownDependence(item: AuthItem): Dependence {
  if (item.phase === "metadata" && (item.value.userInfo ?? item.value.uma) !== undefined) {
    return { ...NONE, identity: true };
  }
  if (item.phase !== "authorization") return NONE;
  const { opa, spicedb } = item.value;
  if (spicedb !== undefined || opa?.externalPolicy !== undefined) return UNKNOWN;
  if (opa === undefined) return NONE;
  return { ...UNKNOWN, identity: opa.rego?.includes("identity") === true };
}

/** Expressions that do not parse hide what they read. */
const ofSites = (item: AuthItem, flow: AuthFlow): Dependence =>
  authSites(item, flow).some(({ site }) => "tree" in site && site.tree === undefined) ? UNKNOWN : NONE;

/** What the given reads vary with; those of `when` and of cache keys are passed over. */
export const dependenceOfReads = (reads: readonly ItemRead[], flow: AuthFlow, depth = 0): Dependence =>
  join(reads.filter(({ part }) => part === "value" || part === "condition").map((place) => ofRead(place, flow, depth)));

function ofRead({ read }: ItemRead, flow: AuthFlow, depth: number): Dependence {
  const names = requestPath(read.names);
  const [root, phase, name] = names;
  if (root === "request" || root === "source") return { ...NONE, request: [names] };
  if (root !== "auth") return root === "destination" ? NONE : UNKNOWN;
  if (phase === "identity") return { ...NONE, identity: true };
  const published = AUTH_PHASES.find((candidate) => candidate === phase && candidate !== "authentication");
  const [target] = published === undefined || name === undefined ? [] : targetsOf({ phase: published, name }, flow);
  return target === undefined ? UNKNOWN : dependenceOf(target, flow, depth + 1);
}
