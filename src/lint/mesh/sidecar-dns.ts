import { compareAge } from "../../model/age.ts";
import type { FieldPath } from "../../model/field-path.ts";
import type { Kinds } from "../../model/kinds.ts";
import type { ObjectIndex } from "../../model/object-index.ts";
import type { TextRange } from "../../model/place.ts";
import { ISTIO_ROOT_NAMESPACE } from "../../model/transport.ts";

/** The variable by which a sidecar answers its pod's questions. */
const VARIABLE = "ISTIO_META_DNS_CAPTURE";

/** The variable in YAML or JSON, on a line of which nothing before it is a comment. */
const WRITTEN = /^[^#\n]*?(ISTIO_META_DNS_CAPTURE["']?[ \t]*:[ \t]*["']?(true|false)\b["']?)/m;

const PROXY_CONFIG_ANNOTATION = "proxy.istio.io/config";

/** What has a sidecar capture DNS, and where it says so. */
export type CaptureSetting = {
  readonly by: Kinds["Pod" | "ProxyConfig" | "ConfigMap"];
  readonly path: FieldPath;
  readonly range?: TextRange;
};

/** One layer's word: the setting, or that it is off. Undefined: it says nothing, and the next layer decides. */
type Word = CaptureSetting | "off" | undefined;

const decided = (word: Word): CaptureSetting | undefined => (word === "off" ? undefined : word);

function wordIn(text: string, by: CaptureSetting["by"], path: FieldPath): Word {
  const match = WRITTEN.exec(text);
  if (match === null) return undefined;
  const [whole, assignment = "", value] = match;
  const start = match.index + whole.length - assignment.length;
  return value === "true" ? { by, path, range: { start, end: start + assignment.length } } : "off";
}

/** The oldest of some ProxyConfigs that sets the variable. */
function wordOf(configs: readonly Kinds["ProxyConfig"][]): Word {
  const captureOf = ({ spec }: Kinds["ProxyConfig"]): string | undefined => spec?.environmentVariables?.[VARIABLE];
  const by = configs.filter((config) => captureOf(config) !== undefined).toSorted(compareAge)[0];
  if (by === undefined) return undefined;
  return captureOf(by) === "true" ? { by, path: ["spec", "environmentVariables", VARIABLE] } : "off";
}

const isForAll = ({ spec }: Kinds["ProxyConfig"]): boolean =>
  Object.keys(spec?.selector?.matchLabels ?? {}).length === 0;

const homedIn = (namespace: string, objects: ObjectIndex): readonly Kinds["ProxyConfig"][] =>
  objects.of("ProxyConfig").filter(({ metadata }) => metadata.namespace === namespace);

/** The word of `meshConfig.defaultConfig` of the control plane that a namespace belongs to. */
function meshWord({ metadata }: Kinds["Namespace"], objects: ObjectIndex): Word {
  const revision = metadata.labels?.["istio.io/rev"] ?? "default";
  const name = revision === "default" ? "istio" : `istio-${revision}`;
  const map = objects.get("ConfigMap", ISTIO_ROOT_NAMESPACE, name);
  return map === undefined ? undefined : wordIn(map.data?.mesh ?? "", map, ["data", "mesh"]);
}

/** Whether pods of a namespace get a sidecar without saying so themselves. */
export const hasSidecars = ({ metadata }: Kinds["Namespace"]): boolean =>
  metadata.labels?.["istio-injection"] === "enabled" ||
  (metadata.labels?.["istio.io/rev"] !== undefined && metadata.labels["istio-injection"] !== "disabled");

/** What captures the DNS of sidecars in a namespace: ProxyConfigs there, in the root namespace, then the mesh's default. */
export const namespaceCapture = (namespace: Kinds["Namespace"], objects: ObjectIndex): CaptureSetting | undefined =>
  decided(
    wordOf(homedIn(namespace.metadata.name, objects).filter(isForAll)) ??
      wordOf(homedIn(ISTIO_ROOT_NAMESPACE, objects).filter(isForAll)) ??
      meshWord(namespace, objects),
  );

/**
 * What captures the DNS of one pod: its annotation, ProxyConfigs that select it, else what holds for its namespace.
 * Source: istio pilot/pkg/model/proxy_config.go, EffectiveProxyConfig.
 */
export function podSidecarCapture(
  pod: Kinds["Pod"],
  namespace: Kinds["Namespace"],
  objects: ObjectIndex,
): CaptureSetting | undefined {
  const { labels = {}, annotations = {} } = pod.metadata;
  const own = wordIn(annotations[PROXY_CONFIG_ANNOTATION] ?? "", pod, [
    "metadata",
    "annotations",
    PROXY_CONFIG_ANNOTATION,
  ]);
  if (own !== undefined) return decided(own);
  const injected = labels["sidecar.istio.io/inject"];
  if (injected === "false" || (injected !== "true" && !hasSidecars(namespace))) return undefined;
  const selecting = homedIn(namespace.metadata.name, objects).filter(
    (config) =>
      !isForAll(config) &&
      Object.entries(config.spec?.selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value),
  );
  const word = wordOf(selecting);
  return word === undefined ? namespaceCapture(namespace, objects) : decided(word);
}
