import type { FieldEdit } from "../../model/edit.ts";
import type { AuthBlockFlow, AuthItem } from "../auth/auth-flow.ts";
import { itemsOf } from "../auth/auth-flow.ts";
import { referencesOf, targetsOf } from "../auth/item-references.ts";

/** Items of one phase that are put in order. A policy of the guides has two. */
const MAX_ITEMS = 64;

/** Every finding of a phase asks the same, so that each list of items is put in order once. */
const known = new WeakMap<readonly AuthItem[], Map<AuthItem["phase"], readonly FieldEdit[] | undefined>>();

/**
 * The lowest priorities, none lower than it is, with which every item of a phase runs after those that it uses. They are
 * the same for all findings of a phase. Undefined when items use each other in a circle, or there are too many.
 */
export function orderedPriorities(phase: AuthItem["phase"], flow: AuthBlockFlow): readonly FieldEdit[] | undefined {
  const phases = known.get(flow.items) ?? new Map<AuthItem["phase"], readonly FieldEdit[] | undefined>();
  known.set(flow.items, phases);
  if (!phases.has(phase)) phases.set(phase, putInOrder(phase, flow));
  return phases.get(phase);
}

function putInOrder(phase: AuthItem["phase"], flow: AuthBlockFlow): readonly FieldEdit[] | undefined {
  const items = itemsOf(flow, phase);
  if (items.length > MAX_ITEMS) return undefined;
  const uses = new Map(
    items.map((item) => [
      item.key,
      new Set(
        referencesOf(item, flow).flatMap((reference) => {
          const [target] = reference.phase === phase ? targetsOf(reference, flow) : [];
          return target === undefined || target.key === item.key ? [] : [target.key];
        }),
      ),
    ]),
  );
  const priorities = new Map(items.map(({ key, priority }) => [key, priority]));
  // Without a circle no chain is longer than the list of items.
  for (let round = 0; round <= items.length; round++) {
    const raised = items.filter(({ key }) => {
      const least = Math.max(...[...(uses.get(key) ?? [])].map((used) => (priorities.get(used) ?? 0) + 1));
      if (least <= (priorities.get(key) ?? 0)) return false;
      priorities.set(key, least);
      return true;
    });
    if (raised.length > 0) continue;
    return items.flatMap(({ key, priority, path }): readonly FieldEdit[] => {
      const value = priorities.get(key) ?? priority;
      return value === priority ? [] : [{ op: "set", path: [...path, "priority"], value }];
    });
  }
  return undefined;
}
