import type { Topology } from "../../model/topology.ts";
import { readsBelow } from "../expressions/attribute-reads.ts";
import { type AuthBlockFlow, type AuthFlow, type AuthItem, differentViews, headerOf, itemsOf } from "./auth-flow.ts";
import { itemReads } from "./auth-sites.ts";
import { CREDENTIAL_HEADERS } from "./credential-headers.ts";

/** A constant empty header is the usual way to take the caller's token off. */
const isEmpty = ({ value: { plain } }: AuthItem<"response">): boolean =>
  plain?.value === "" || plain?.expression?.trim() === "''" || plain?.expression?.trim() === '""';

/** Ways on which the same holds share their items: each list of them is read once. */
const known = new WeakMap<readonly AuthItem[], readonly AuthItem<"response">[]>();

/** The response items that put a credential on the request: by the header's name, or made of what was fetched. */
export function injectedCredentials(flow: AuthFlow): readonly AuthItem<"response">[] {
  const found = known.get(flow.items) ?? itemsOf(flow, "response").filter((item) => putsCredential(item, flow));
  known.set(flow.items, found);
  return found;
}

function putsCredential(item: AuthItem<"response">, flow: AuthFlow): boolean {
  const header = headerOf(item);
  if (header === undefined || isEmpty(item)) return false;
  if (CREDENTIAL_HEADERS.has(header)) return true;
  return itemReads(item, flow).some(({ part, read }) => part === "value" && readsBelow(read, ["auth", "metadata"]));
}

/** What holds wherever a block takes part; the block itself when no path is in view. */
export function contextsOf(flow: AuthBlockFlow, topology: Topology): readonly AuthFlow[] {
  const views = differentViews(flow.owner, topology).filter(({ items }) =>
    items.some(
      ({ owner }) =>
        owner.metadata.name === flow.owner.metadata.name && owner.metadata.namespace === flow.owner.metadata.namespace,
    ),
  );
  return views.length > 0 ? views : [flow];
}
