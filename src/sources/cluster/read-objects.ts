import { type Decoded, decodeObject } from "../../model/decode.ts";
import { KINDS, type Kind } from "../../model/kinds.ts";
import { rbacRuleOf, resourceOf } from "./api-resource.ts";
import { listObjects } from "./list-objects.ts";
import type { Transport } from "./transport.ts";

export type ReadObjects = {
  readonly transport: Pick<Transport, "request">;
  readonly kinds: readonly Kind[];
  /** Only these namespaces of kinds that live in one; empty: all. */
  readonly namespaces: readonly string[];
  readonly signal: AbortSignal;
  /** Told before each kind is listed. */
  readonly onProgress?: (progress: ReadProgress) => void;
};

export type ReadProgress = {
  readonly kind: Kind;
  readonly done: number;
  readonly of: number;
  readonly objects: number;
};

/** What one look at a cluster found. */
export type ClusterObjects = {
  readonly objects: readonly Decoded[];
  /** Kinds that the cluster does not have. */
  readonly absent: readonly Kind[];
  /** Kinds that could not be listed: the account may not, or the API server failed. */
  readonly unread: readonly UnreadKind[];
};

export type UnreadKind = {
  readonly kind: Kind;
  readonly namespace?: string;
  readonly reason: string;
  /** The rule that a Role or ClusterRole needs, as YAML in one line; only where permission is what is missing. */
  readonly rule?: string;
};

/** Objects of one list. The largest clusters that Kubernetes supports hold 150,000 Pods. */
const MAX_OBJECTS = 200_000;

type Listing = { readonly kind: Kind; readonly namespace?: string };

/** The lists to ask for: one for each kind, and for each namespace where only some are wanted. */
const listingsOf = ({ kinds, namespaces }: ReadObjects): readonly Listing[] =>
  kinds.flatMap((kind): readonly Listing[] =>
    namespaces.length === 0 || !KINDS[kind].namespaced
      ? [{ kind }]
      : namespaces.map((namespace) => ({ kind, namespace })),
  );

async function readListing({ kind, namespace }: Listing, { transport, signal }: ReadObjects): Promise<ClusterObjects> {
  const resource = resourceOf(kind);
  const where = namespace === undefined ? {} : { namespace };
  const options = { transport, resource, signal, metadataOnly: false, maxObjects: MAX_OBJECTS };
  const listed = await listObjects({ ...options, ...where });
  const nothing = { objects: [], absent: [], unread: [] };
  if (listed.outcome === "absent") return { ...nothing, absent: [kind] };
  if (listed.outcome !== "listed") {
    const rule = listed.outcome === "forbidden" ? { rule: rbacRuleOf(resource, ["list"]) } : {};
    return { ...nothing, unread: [{ kind, ...where, reason: listed.reason, ...rule }] };
  }
  const objects = listed.items.flatMap((item) => {
    const outcome = decodeObject(item);
    return outcome.status === "decoded" ? [outcome.decoded] : [];
  });
  return { ...nothing, objects };
}

/**
 * Lists the objects of some kinds once, in pages, and changes nothing. Kinds that are not installed or may not be listed are
 * told and left out. Rejects with SLUICE_CLUSTER_UNREACHABLE when nobody answers.
 */
export async function readClusterObjects(options: ReadObjects): Promise<ClusterObjects> {
  const listings = listingsOf(options);
  const objects: Decoded[] = [];
  const absent = new Set<Kind>();
  const unread: UnreadKind[] = [];
  for (const [done, listing] of listings.entries()) {
    options.onProgress?.({ kind: listing.kind, done, of: listings.length, objects: objects.length });
    // Of a kind that is not installed no second namespace has to be asked.
    if (absent.has(listing.kind)) continue;
    const found = await readListing(listing, options);
    for (const object of found.objects) objects.push(object);
    for (const kind of found.absent) absent.add(kind);
    unread.push(...found.unread);
  }
  return { objects, absent: [...absent], unread };
}
