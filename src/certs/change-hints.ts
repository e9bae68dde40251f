import { type KubeConfig, type KubernetesObject, Watch } from "@kubernetes/client-node";
import type { Log } from "../observe/log.ts";
import { apiProblem } from "./api-problem.ts";
import type { WebhookRef } from "./cluster-api.ts";
import { pause } from "./pause.ts";

/** The library gives up on a watch that is silent for 30 s; the server ends ours in good order before that. */
const WATCH_SECONDS = 25;
const RETRY_FIRST_MS = 1_000;
const RETRY_LONGEST_MS = 30_000;

/** A single object to watch: the collection's path and the object's name, which is all that RBAC by name allows. */
export type Watched = { readonly path: string; readonly name: string };

/** Calls back whenever something may have changed. It is a hint: what is stored is read again, whatever it said. */
export type StartHints = (onHint: () => void) => { close(): Promise<void> };

export const watchedSecret = (namespace: string, name: string): Watched => ({
  path: `/api/v1/namespaces/${namespace}/secrets`,
  name,
});

export const watchedWebhooks = ({ kind, name }: WebhookRef): Watched => ({
  path: `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}s`,
  name,
});

/**
 * Watches single objects, so that a change is acted on within a second instead of at the next poll. A watch that ends
 * or fails is opened anew, after 1 s, then 2 s, up to 30 s (with jitter); one that dies silently is caught by the poll.
 */
export function changeHints(kubeConfig: KubeConfig, objects: readonly Watched[], log: Log): StartHints {
  return (onHint) => {
    const stop = new AbortController();
    const loops = objects.map((watched) => follow({ kubeConfig, watched, log, onHint, signal: stop.signal }));
    return {
      close: async () => {
        stop.abort();
        await Promise.all(loops);
      },
    };
  };
}

type Following = {
  readonly kubeConfig: KubeConfig;
  readonly watched: Watched;
  readonly log: Log;
  readonly onHint: () => void;
  readonly signal: AbortSignal;
};

type OnEvent = (phase: string, object: KubernetesObject | undefined) => void;

async function follow(following: Following): Promise<void> {
  const { watched, log, signal } = following;
  let failures = 0;
  let seen: string | undefined;
  /** Every new watch begins with the object as it is; only a version that was not seen before is news. */
  const onEvent = (phase: string, object: KubernetesObject | undefined): void => {
    const version = `${phase === "DELETED" ? phase : ""} ${object?.metadata?.resourceVersion ?? ""}`;
    if (version !== seen) following.onHint();
    seen = version;
  };
  while (!signal.aborted) {
    const problem = await watchOnce(following, onEvent);
    failures = problem === undefined ? 0 : failures + 1;
    if (signal.aborted) return;
    if (problem !== undefined) log.debug({ object: watched.name, problem: apiProblem(problem) }, "watch ended");
    const wait = Math.min(RETRY_FIRST_MS * 2 ** Math.max(0, failures - 1), RETRY_LONGEST_MS);
    await pause(wait * (0.5 + Math.random()), signal);
  }
}

/** Resolves when the watch is over, with the reason when it failed. */
async function watchOnce({ kubeConfig, watched, signal }: Following, onEvent: OnEvent): Promise<unknown> {
  const query = { fieldSelector: `metadata.name=${watched.name}`, timeoutSeconds: WATCH_SECONDS };
  const { promise, resolve } = Promise.withResolvers<unknown>();
  try {
    const controller = await new Watch(kubeConfig).watch(watched.path, query, onEvent, resolve);
    const abort = (): void => controller.abort();
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    const problem = await promise;
    signal.removeEventListener("abort", abort);
    return problem ?? undefined;
  } catch (problem) {
    return problem;
  }
}
