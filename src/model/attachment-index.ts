import { compareNames } from "./age.ts";
import { type Attachment, allRoutes, attachmentsOf, type Route } from "./attachment.ts";
import type { Kinds } from "./kinds.ts";
import type { ObjectIndex } from "./object-index.ts";

/** Every route that is attached to a listener, found from either side. */
export type AttachmentIndex = {
  /** In the order of routes, parentRefs and listeners; so are the two below. */
  all(): readonly Attachment[];
  ofRoute(route: Route): readonly Attachment[];
  onGateway(gateway: Kinds["Gateway"]): readonly Attachment[];
};

const NONE: readonly Attachment[] = [];

export function buildAttachmentIndex(objects: ObjectIndex): AttachmentIndex {
  const names = new Map<string, string | undefined>();
  const all = allRoutes(objects).flatMap((route) => attachmentsOf(route, objects, names));
  const ofRoute = Map.groupBy(all, ({ route }) => route);
  const onGateway = Map.groupBy(all, ({ gateway }) => gateway);
  return {
    all: () => all,
    ofRoute: (route) => ofRoute.get(route) ?? NONE,
    onGateway: (gateway) => onGateway.get(gateway) ?? NONE,
  };
}

/** The index after one route has changed, come or gone; `objects` are those after the change. */
export function changedAttachments(
  base: AttachmentIndex,
  { before, after }: { readonly before: Route | undefined; readonly after: Route | undefined },
  objects: ObjectIndex,
): AttachmentIndex {
  const own = after === undefined ? NONE : attachmentsOf(after, objects, new Map());
  const gone = before === undefined ? NONE : base.ofRoute(before);
  const touched = new Set([...own, ...gone].map(({ gateway }) => gateway));
  const order = (route: Route): number => routeOrder(route, after);
  const merged = (list: readonly Attachment[], added: readonly Attachment[]): readonly Attachment[] => {
    const rest = list.filter(({ route }) => route !== before);
    const at = rest.findIndex(({ route }) => order(route) > 0);
    return at < 0 ? [...rest, ...added] : [...rest.slice(0, at), ...added, ...rest.slice(at)];
  };
  const known = new Map<Kinds["Gateway"], readonly Attachment[]>();
  let all: readonly Attachment[] | undefined;
  return {
    all: () => {
      all ??= merged(base.all(), own);
      return all;
    },
    ofRoute: (route) => (route === after ? own : route === before ? NONE : base.ofRoute(route)),
    onGateway: (gateway) => {
      if (!touched.has(gateway)) return base.onGateway(gateway);
      const list =
        known.get(gateway) ??
        merged(
          base.onGateway(gateway),
          own.filter((attachment) => attachment.gateway === gateway),
        );
      known.set(gateway, list);
      return list;
    },
  };
}

/** Below zero when `route` stands before `other` in the order of `allRoutes`. */
function routeOrder(route: Route, other: Route | undefined): number {
  if (other === undefined) return -1;
  if (route.kind !== other.kind) return route.kind === "HTTPRoute" ? -1 : 1;
  return compareNames(route, other);
}
