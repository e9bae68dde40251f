/** Whether a part that was ready once may become unready again. */
export type ReadyMonitor = "until-ready" | "continuously";

/**
 * Gives the parts that are not ready, asked anew for each call. With `until-ready` a part that was ready at one call is
 * never named again.
 */
export function monitorReadiness(notReady: () => readonly string[], monitor: ReadyMonitor): () => readonly string[] {
  if (monitor === "continuously") return notReady;
  let waiting: readonly string[] | undefined;
  return () => {
    const now = notReady();
    waiting = waiting === undefined ? now : waiting.filter((part) => now.includes(part));
    return waiting;
  };
}
