import { type Decoded, decodeObject } from "../model/decode.ts";
import { KINDS } from "../model/kinds.ts";

/** An object of a request, which gives the namespace where the object itself has none. Undefined for unknown kinds. */
export function decodeIn(raw: unknown, namespace: string): Decoded | undefined {
  const outcome = decodeObject(raw);
  if (outcome.status !== "decoded") return undefined;
  const { decoded } = outcome;
  if (decoded.ref.namespace !== "" || !KINDS[decoded.object.kind].namespaced) return decoded;
  const metadata = { ...decoded.object.metadata, namespace };
  return {
    ...decoded,
    ref: { ...decoded.ref, namespace },
    object: { ...decoded.object, metadata } as Decoded["object"],
  };
}
