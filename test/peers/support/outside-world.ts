/**
 * The upstream of a pod's resolver, started inside the pod's network: answers with the real addresses, and tells its
 * parent on request what it was asked. `outside-world.ts INPUT`, a JSON file of `TestUpstreamInput`.
 */
import { readFileSync } from "node:fs";
import { startTestUpstream, type TestUpstreamInput } from "../../dns/support/test-upstream.ts";

/** What the parent sends. */
export type ToOutsideWorld = "tell" | "forget";
/** What it gets: once when the upstream listens, then for each `tell`, and after each `forget`. */
export type FromOutsideWorld = { readonly seen: readonly string[] };

const upstream = await startTestUpstream(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as TestUpstreamInput);
const tell = (): void => {
  const told: FromOutsideWorld = { seen: upstream.seen.map(({ name, type }) => `${name} ${type}`) };
  process.send?.(told);
};
process.on("message", (message: ToOutsideWorld) => {
  if (message === "forget") upstream.seen.length = 0;
  tell();
});
process.on("disconnect", () => process.exit(0));
tell();
