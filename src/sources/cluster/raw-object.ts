/** An object as the API server sends it: nothing is known of it but what identifies it and its version. */
export type RawObject = {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  } & Readonly<Record<string, unknown>>;
};

const isMap = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/**
 * Checks that something can be kept, and drops managedFields: nothing reads them, and they are often half of an
 * object. Undefined when it has no name.
 */
export function rawObject(value: unknown): RawObject | undefined {
  if (!isMap(value) || !isMap(value["metadata"])) return undefined;
  const { managedFields: _managedFields, ...metadata } = value["metadata"];
  if (typeof metadata["name"] !== "string" || metadata["name"] === "") return undefined;
  return { ...value, metadata: metadata as RawObject["metadata"] };
}

/** A list's items lack apiVersion and kind; they are those of the list. */
export function listItems(list: unknown, apiVersion: string, kind: string): RawObject[] | undefined {
  if (!isMap(list) || !isMap(list["metadata"])) return undefined;
  const items = list["items"] ?? [];
  if (!Array.isArray(items)) return undefined;
  return items.flatMap((item) => rawObject(isMap(item) ? { apiVersion, kind, ...item } : item) ?? []);
}

/** The `metadata` of a list: where to go on, and the version that a watch starts from. */
export function listMetadata(list: unknown): { readonly resourceVersion: string; readonly next: string } {
  const metadata = isMap(list) && isMap(list["metadata"]) ? list["metadata"] : {};
  const { resourceVersion, continue: next } = metadata;
  return {
    resourceVersion: typeof resourceVersion === "string" ? resourceVersion : "",
    next: typeof next === "string" ? next : "",
  };
}

/** The message of a `Status`, or a bare description of an answer that is none. */
export function statusMessage(body: unknown, status: number): string {
  const message = isMap(body) ? body["message"] : undefined;
  return typeof message === "string" && message !== "" ? message.slice(0, 500) : `HTTP ${status}`;
}
