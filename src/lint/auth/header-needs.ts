import type { Kinds } from "../../model/kinds.ts";
import type { Topology } from "../../model/topology.ts";
import { readsBelow } from "../expressions/attribute-reads.ts";
import {
  type AuthBlockFlow,
  type AuthFlow,
  type AuthItem,
  authFlows,
  differentViews,
  headerOf,
  holdsIn,
  itemsOf,
} from "./auth-flow.ts";
import { type Guarding, guardingOf } from "./auth-guards.ts";
import { type ItemRead, itemReads } from "./auth-sites.ts";
import { CREDENTIAL_HEADERS } from "./credential-headers.ts";

/** A value of a metadata item that an injected header is made of. */
export type HeaderNeed = {
  readonly item: AuthItem<"response">;
  /** Lower-case name. */
  readonly header: string;
  /** From `auth` on: auth.metadata.<item>…, as deep as the header reads. */
  readonly names: readonly string[];
  readonly place: ItemRead;
  /**
   * What becomes of the header without the value (observed on Authorino 58fecc6c).
   * - `untouched`: it is not set, and what the caller sent in it goes upstream.
   * - `nil`: a selector writes the text `<nil>`.
   * - `fallback`: the expression allows for it and gives something else.
   */
  readonly without: "untouched" | "nil" | "fallback";
  /** Whether the header, or the value, is a credential by its name. */
  readonly credential: boolean;
};

/** Depth at which a metadata item's own result stands: auth.metadata.<item>. */
const ITEM_DEPTH = 3;

/**
 * How many different values of one policy are looked at. Each is compared with every guard, and a policy of the
 * largest size that the API server stores could hold thousands of both.
 */
const MAX_NEEDS = 64;

const CREDENTIAL_WORDS = new Set("key apikey token secret password credential credentials".split(" "));

const saysCredential = (name: string): boolean =>
  name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z]+/)
    .some((word) => CREDENTIAL_WORDS.has(word));

/** Every value of metadata that the headers of a successful response need, one per header, value and outcome. */
export function headerNeeds(flow: AuthFlow): readonly HeaderNeed[] {
  const needs = itemsOf(flow, "response").flatMap((item) => {
    const header = headerOf(item);
    if (header === undefined) return [];
    return itemReads(item, flow)
      .filter(({ part, read }) => part === "value" && read.names.length >= ITEM_DEPTH)
      .filter(({ read }) => readsBelow(read, ["auth", "metadata"]))
      .flatMap((place) => toNeed(item, header, place) ?? []);
  });
  const different = new Map(
    needs.map((need) => [JSON.stringify([need.item.key, need.names, need.without]), need] as const).toReversed(),
  );
  return [...different.values()].toReversed().slice(0, MAX_NEEDS);
}

function toNeed(item: AuthItem<"response">, header: string, place: ItemRead): HeaderNeed {
  const { read } = place;
  const names = read.names.slice(0, Math.max(read.needs, ITEM_DEPTH));
  const fallback = read.needs < ITEM_DEPTH || read.absence(names.length) === "harmless";
  return {
    item,
    header,
    names,
    place,
    without: read.selector ? "nil" : fallback ? "fallback" : "untouched",
    credential: CREDENTIAL_HEADERS.has(header) || saysCredential(header) || saysCredential(names.at(-1) ?? ""),
  };
}

/** What guards a need wherever it arises. */
export type GuardedNeed = {
  readonly need: HeaderNeed;
  readonly flow: AuthBlockFlow;
  /** The paths on which the header is injected, with all that holds there; the block itself when none is in view. */
  readonly contexts: readonly AuthFlow[];
  /** One for each context. */
  readonly guardings: readonly Guarding[];
  /** Whether the block alone has the same kind of guarding, so that other objects play no part. */
  readonly own: boolean;
};

/** Everything is immutable, and two rules ask: each policy is judged once. */
const judged = new WeakMap<Topology, WeakMap<Kinds["AuthPolicy"], readonly GuardedNeed[]>>();

/** Every need of a policy that is not covered everywhere. */
export function unguardedNeeds(policy: Kinds["AuthPolicy"], topology: Topology): readonly GuardedNeed[] {
  const ofTopology = judged.get(topology) ?? new WeakMap<Kinds["AuthPolicy"], readonly GuardedNeed[]>();
  judged.set(topology, ofTopology);
  const needs = ofTopology.get(policy) ?? authFlows(policy).flatMap((flow) => judgeNeeds(flow, topology));
  ofTopology.set(policy, needs);
  return needs;
}

function judgeNeeds(flow: AuthBlockFlow, topology: Topology): readonly GuardedNeed[] {
  const all = differentViews(flow.owner, topology);
  return headerNeeds(flow).flatMap((need) => {
    const views = all.filter((view) => holdsIn(view, need.item));
    const contexts = views.length > 0 ? views : [flow];
    const guardings = contexts.map((context) => guardingOf(need.names, need.item, context));
    if (guardings.every(({ status }) => status === "covered")) return [];
    const own = guardingOf(need.names, need.item, flow).status;
    return [{ need, flow, contexts, guardings, own: guardings.every(({ status }) => status === own) }];
  });
}
