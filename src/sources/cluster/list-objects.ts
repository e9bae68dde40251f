import { type ApiResource, pathOf, selectionOf } from "./api-resource.ts";
import { listItems, listMetadata, type RawObject, statusMessage } from "./raw-object.ts";
import type { ApiResponse, Transport } from "./transport.ts";

/** What one attempt at the API server came to, when it was not what was asked for. */
export type ApiFailure =
  /** Not served: its CustomResourceDefinition is not installed. */
  | { readonly outcome: "absent" }
  | { readonly outcome: "forbidden"; readonly reason: string }
  /** The resourceVersion or continue token is too old. */
  | { readonly outcome: "expired"; readonly reason: string }
  | {
      readonly outcome: "failed";
      readonly reason: string;
      readonly retryAfterSeconds: number | undefined;
      /** The server said so itself; false when it could not be reached. */
      readonly answered: boolean;
    };

export type Listed = {
  readonly outcome: "listed";
  readonly items: readonly RawObject[];
  readonly resourceVersion: string;
  readonly version: string;
};

/** client-go's page size, which API servers are tuned for. */
const PAGE_SIZE = 500;
/** 10 million objects: only a server whose continue tokens never end gets there. */
const MAX_PAGES = 20_000;

const METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/** Sorts an answer that is no success. */
export function failureOf(response: Pick<ApiResponse, "status" | "body" | "retryAfterSeconds">): ApiFailure {
  const { status, retryAfterSeconds } = response;
  const reason = statusMessage(response.body, status);
  if (status === 404) return { outcome: "absent" };
  if (status === 403) return { outcome: "forbidden", reason };
  if (status === 410) return { outcome: "expired", reason };
  return { outcome: "failed", reason: `${reason} (HTTP ${status})`, retryAfterSeconds, answered: true };
}

type ListOptions = {
  readonly transport: Pick<Transport, "request">;
  readonly resource: ApiResource;
  /** Ask for names, labels and versions only. */
  readonly metadataOnly: boolean;
  readonly signal: AbortSignal;
  /** Only the objects of this namespace. */
  readonly namespace?: string;
  /** More objects than this are a failure; default: no limit but that of pages. */
  readonly maxObjects?: number;
};

async function listVersion(options: ListOptions, version: string, paged: boolean): Promise<Listed | ApiFailure> {
  const { transport, resource, signal } = options;
  const apiVersion = resource.group === "" ? version : `${resource.group}/${version}`;
  const accept = options.metadataOnly ? METADATA_LIST : "application/json";
  const items: RawObject[] = [];
  let next = "";
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = paged ? { limit: String(PAGE_SIZE), ...(next === "" ? {} : { continue: next }) } : {};
    const query = { ...selectionOf(resource), ...page };
    const response = await transport.request("GET", pathOf(resource, version, options.namespace), {
      query,
      accept,
      signal,
    });
    if (response.status !== 200) return failureOf(response);
    const found = listItems(response.body, apiVersion, resource.kind);
    const metadata = listMetadata(response.body);
    if (found === undefined || metadata.resourceVersion === "") {
      return {
        outcome: "failed",
        reason: "the answer is not a Kubernetes list",
        retryAfterSeconds: undefined,
        answered: true,
      };
    }
    for (const item of found) items.push(item);
    if (items.length > (options.maxObjects ?? Number.POSITIVE_INFINITY))
      return tooMany(`more than ${options.maxObjects} objects`);
    next = metadata.next;
    if (next === "") return { outcome: "listed", items, resourceVersion: metadata.resourceVersion, version };
  }
  return tooMany(`a list of more than ${MAX_PAGES} pages`);
}

const tooMany = (reason: string): ApiFailure => ({
  outcome: "failed",
  reason,
  retryAfterSeconds: undefined,
  answered: true,
});

/**
 * Lists all objects of a resource in pages, in the first of its versions that is served. A continue token that
 * expires on the way is answered with one list in a single piece, as client-go does it.
 */
export async function listObjects(options: ListOptions): Promise<Listed | ApiFailure> {
  for (const version of options.resource.versions) {
    const paged = await listVersion(options, version, true);
    const result = paged.outcome === "expired" ? await listVersion(options, version, false) : paged;
    if (result.outcome !== "absent") return result;
  }
  return { outcome: "absent" };
}
