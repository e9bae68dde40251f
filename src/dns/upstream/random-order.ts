import type { RandomInteger } from "./random.ts";

/** A copy in an order that is equally likely as any other (Fisher and Yates). At most 65536 items. */
export function shuffled<T>(items: readonly T[], random: RandomInteger): T[] {
  const mixed = [...items];
  for (let left = mixed.length; left > 1; left--) {
    const at = random(left);
    const last = mixed[left - 1] as T;
    mixed[left - 1] = mixed[at] as T;
    mixed[at] = last;
  }
  return mixed;
}
