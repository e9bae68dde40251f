import { rules } from "../lint/rules/index.ts";
import { type Decoded, decodeObject } from "../model/decode.ts";
import { SluiceError } from "../model/errors.ts";
import { KINDS, type Kind } from "../model/kinds.ts";
import { identityOf } from "../model/object-ref.ts";
import { rbacRuleOf } from "../sources/cluster/api-resource.ts";
import { loadKubeConfig } from "../sources/cluster/kube-config.ts";
import { DEFINITIONS, readDefinitions } from "../sources/cluster/read-definitions.ts";
import { type ClusterObjects, type ReadProgress, readClusterObjects } from "../sources/cluster/read-objects.ts";
import { createTransport } from "../sources/cluster/transport.ts";
import type { LocatedObject } from "../sources/located-object.ts";
import type { Underlay } from "./lint-input.ts";
import type { Terminal } from "./terminal.ts";

/** Which cluster, and what of it. */
export type ClusterFlags = {
  readonly cluster?: boolean;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: readonly string[];
  readonly all?: boolean;
};

/** Throws SLUICE_USAGE for flags that mean nothing without `--cluster`. */
export function checkClusterFlags({ cluster, kubeconfig, context, namespace, all }: ClusterFlags): void {
  if (cluster === true) return;
  const given = Object.entries({ kubeconfig, context, namespace, all }).filter(([, value]) => value !== undefined);
  const [first] = given;
  if (first === undefined) return;
  const hint = "add --cluster, or leave it out to lint files alone";
  throw new SluiceError("SLUICE_USAGE", `--${first[0]} needs --cluster`, hint);
}

/**
 * What rules judge or look up, and the namespaces, which say who may exempt himself. Never Secrets and ConfigMaps, whatever
 * the account may read: the webhook judges without them as well.
 */
const KINDS_READ: readonly Kind[] = (Object.keys(KINDS) as Kind[]).filter(
  (kind) =>
    kind !== "Secret" &&
    kind !== "ConfigMap" &&
    (kind === "Namespace" || rules.some(({ kinds, reads }) => kinds.includes(kind) || reads.includes(kind))),
);

/** A cluster that is read faster needs no word about it. */
const SILENT_MS = 1_000;

/** One line that is written over, on terminals only. */
function progressLine(stderr: Terminal["stderr"]) {
  const startedMs = performance.now();
  let shown = false;
  return {
    tell({ kind, done, of, objects }: ReadProgress): void {
      if (stderr.isTTY !== true || performance.now() - startedMs < SILENT_MS) return;
      shown = true;
      stderr.write(`\r\u001b[Kreading the cluster: ${kind}, ${done} of ${of} lists, ${objects} objects`);
    },
    clear: () => void (shown ? stderr.write("\r\u001b[K") : undefined),
  };
}

/** Reads a cluster for `--cluster`. Throws for a kubeconfig that cannot be used, or when nobody answers. */
export async function readUnderlay(flags: ClusterFlags, stderr: Terminal["stderr"]): Promise<Underlay> {
  const { kubeconfig, context, namespace = [], all = false } = flags;
  const chosen = context === undefined ? {} : { context };
  const config = loadKubeConfig({ ...(kubeconfig === undefined ? {} : { path: kubeconfig }), ...chosen });
  const ownNamespace = config.getContextObject(config.getCurrentContext())?.namespace ?? "default";
  const transport = createTransport(config);
  const line = progressLine(stderr);
  try {
    const { signal } = new AbortController();
    const found = await readClusterObjects({
      ...{ transport, kinds: KINDS_READ, signal, onProgress: line.tell },
      namespaces: [...new Set(namespace)],
    });
    const definitions = await readDefinitions(transport, signal);
    line.clear();
    if (definitions.status === "unread") {
      const what = "the cluster's definitions cannot be read, so that no object is checked against them";
      stderr.write(`warning: ${what}: ${definitions.reason}\n`);
      stderr.write(`  hint: reading them needs the rule ${rbacRuleOf(DEFINITIONS, ["list"])}; or give --crd-dir\n`);
    }
    tellUnread(found, transport.server, stderr);
    return {
      ...{ objects: found.objects, all, namespaces: namespace },
      definitions: definitions.status === "read" ? definitions.definitions : undefined,
      unread: new Set(found.unread.map(({ kind }) => kind)),
      applied: (objects) => applied(objects, found.objects, ownNamespace),
    };
  } finally {
    line.clear();
    await transport.close();
  }
}

/** Names what was not seen; what rules would call absent because of it is left out. */
function tellUnread({ unread, objects }: ClusterObjects, server: string, stderr: Terminal["stderr"]): void {
  for (const { kind, namespace, reason, rule } of unread) {
    const what = `${kind}${namespace === undefined ? "" : ` of namespace ${namespace}`}`;
    if (rule === undefined) stderr.write(`warning: ${what} could not be listed: ${reason}\n`);
  }
  const forbidden = unread.filter(({ rule }) => rule !== undefined);
  if (forbidden.length > 0) {
    const kinds = [...new Set(forbidden.map(({ kind }) => kind))];
    const needed = [...new Set(forbidden.map(({ rule }) => `    - ${rule}\n`))];
    stderr.write(
      `warning: the account may not list ${kinds.join(", ")}: mistakes that they take part in are not found\n`,
    );
    stderr.write(`  hint: give it a role with these rules:\n${needed.join("")}`);
  }
  if (unread.length > 0 && objects.length === 0) {
    throw new SluiceError(
      "SLUICE_CLUSTER_UNREACHABLE",
      `nothing of the cluster ${server} could be read`,
      "use an account that may list the kinds above, or --namespace for those that it may read",
    );
  }
}

type Members = Readonly<Record<string, unknown>>;

const membersOf = (value: unknown): Members =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Members) : {};

/**
 * Objects of files as they would be in the cluster: in the namespace of the context when they name none, as old as they
 * are there, and with the status that a controller gave them, which applying does not touch.
 */
function applied(
  files: readonly LocatedObject[],
  cluster: readonly Decoded[],
  namespace: string,
): readonly LocatedObject[] {
  const known = new Map(cluster.map((object) => [identityOf(object.ref), object]));
  return files.map((file) => {
    const raw = membersOf(file.raw);
    const isHomeless = KINDS[file.object.kind].namespaced && file.ref.namespace === "";
    const ref = isHomeless ? { ...file.ref, namespace } : file.ref;
    const there = membersOf(known.get(identityOf(ref))?.raw);
    const { creationTimestamp, uid } = membersOf(there["metadata"]);
    const outcome = decodeObject({
      ...raw,
      metadata: {
        ...membersOf(raw["metadata"]),
        namespace: ref.namespace,
        ...(uid === undefined ? {} : { uid, creationTimestamp }),
      },
      ...(there["status"] === undefined ? {} : { status: there["status"] }),
    });
    return outcome.status === "decoded" ? { ...file, ...outcome.decoded } : file;
  });
}
