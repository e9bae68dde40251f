import type { Log } from "../observe/log.ts";
import type { MetricSample } from "../observe/sample.ts";
import { sameBundle, unionOfBundles } from "./ca-bundle.ts";
import type { CaBundles, CertificateApi, WebhookRef } from "./cluster-api.ts";

/** The first filling and three corrections; a writer that takes the bundle away more often is waited for, not raced. */
const WRITES_TOLERATED = 4;
const WINDOW_MS = 600_000;
const BACK_OFF_FIRST_MS = 60_000;
const BACK_OFF_LONGEST_MS = 600_000;

/** A webhook configuration that exists, with the bundles that were read from it. */
export type Registration = { readonly ref: WebhookRef; readonly bundles: CaBundles };

export type WebhookBundles = {
  /** Reads the configurations that exist. */
  read(): Promise<readonly Registration[]>;
  /** Writes the bundle wherever it is not what it should be. True when every webhook that exists then holds it. */
  fill(registrations: readonly Registration[], caBundle: string): Promise<boolean>;
  /** 1 for every webhook whose bundle let the API server trust `issued` when it was last read, else 0. */
  samples(trusted: (caBundle: string) => boolean): readonly MetricSample[];
};

type Input = {
  readonly api: Pick<CertificateApi, "readCaBundles" | "applyCaBundle">;
  readonly refs: readonly WebhookRef[];
  readonly log: Log;
  readonly now: () => number;
};

/**
 * Keeps `caBundle` of our webhook configurations filled in. A GitOps tool that empties it is corrected; one that does
 * so more than three times in ten minutes is left alone for one minute, then two, up to ten, so that two programs
 * never overwrite each other in a loop. (argo-cd#1487, metallb#2571)
 */
export function webhookBundles({ api, refs, log, now }: Input): WebhookBundles {
  const writes = new Map<WebhookRef["kind"], readonly number[]>();
  let last: readonly Registration[] = [];

  /** Milliseconds until the next write to this configuration is due; 0 or less means now. */
  const waitMs = (kind: WebhookRef["kind"]): number => {
    const recent = (writes.get(kind) ?? []).filter((at) => now() - at < WINDOW_MS);
    writes.set(kind, recent);
    const beyond = recent.length - WRITES_TOLERATED;
    if (beyond < 0) return 0;
    return (recent.at(-1) ?? 0) + Math.min(BACK_OFF_FIRST_MS * 2 ** beyond, BACK_OFF_LONGEST_MS) - now();
  };

  const fillOne = async ({ ref, bundles }: Registration, caBundle: string): Promise<Registration> => {
    if (Object.values(bundles).every((found) => sameBundle(found, caBundle))) return { ref, bundles };
    const wait = waitMs(ref.kind);
    if (wait > 0) {
      log.error({ object: ref, waitSeconds: Math.ceil(wait / 1000) }, "caBundle is overwritten again and again");
      return { ref, bundles };
    }
    const written = await api.applyCaBundle(ref, Object.keys(bundles), caBundle);
    writes.set(ref.kind, [...(writes.get(ref.kind) ?? []), now()]);
    log.info({ object: ref, webhooks: Object.keys(written) }, "caBundle filled in");
    return { ref, bundles: written };
  };

  return {
    read: async () => {
      const found = await Promise.all(refs.map(async (ref) => ({ ref, bundles: await api.readCaBundles(ref) })));
      last = found.flatMap(({ ref, bundles }) => (bundles === undefined ? [] : [{ ref, bundles }]));
      return last;
    },
    fill: async (registrations, caBundle) => {
      last = await Promise.all(registrations.map((registration) => fillOne(registration, caBundle)));
      return last.every(({ bundles }) => Object.values(bundles).every((found) => sameBundle(found, caBundle)));
    },
    samples: (trusted) =>
      last.flatMap(({ bundles }) =>
        Object.entries(bundles).map(([webhook, caBundle]) => ({
          name: "sluice_cabundle_in_sync",
          help: "Whether the webhook's caBundle lets the API server trust the certificate in use (1) or not (0).",
          type: "gauge" as const,
          labels: { webhook },
          value: trusted(caBundle) ? 1 : 0,
        })),
      ),
  };
}

/** Every CA of ours that an API server has been told of so far. */
export const bundleOf = (registrations: readonly Registration[]): string =>
  unionOfBundles(registrations.flatMap(({ bundles }) => Object.values(bundles)));
