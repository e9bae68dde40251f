import { hostname } from "node:os";
import { SluiceError } from "../model/errors.ts";
import { fail, ok, type Result } from "../model/result.ts";
import { type Config, environmentName, SETTINGS, type Setting, type SettingName } from "./schema.ts";

type Raw = Readonly<Record<string, string | readonly string[] | undefined>>;
type Value = string | number | readonly string[];

const names = Object.keys(SETTINGS) as readonly SettingName[];
const settingOf = (name: SettingName): Setting => SETTINGS[name];

/**
 * The effective settings: flags before environment before defaults. Every problem is reported at once.
 * `flags` are commander's options by setting name, texts as the user wrote them.
 * Throws SLUICE_CONFIG_INVALID; this is the only reader of the environment.
 */
export function loadConfig(flags: Raw, environment: NodeJS.ProcessEnv = process.env): Config {
  const problems: string[] = [];
  const values: Partial<Record<SettingName, Value>> = {};
  for (const name of names) {
    const setting = settingOf(name);
    const given = fromFlags(flags[name], setting) ?? fromEnvironment(environment, setting);
    if (given === undefined) {
      if (setting.default !== undefined) values[name] = setting.default;
      continue;
    }
    const read = readSetting(setting, given.texts, given.where);
    if (read.ok) values[name] = read.value;
    else problems.push(...read.problems);
  }
  problems.push(...unknownVariables(environment));
  const source = sourceOf(values, environment, problems);
  if (problems.length > 0) {
    throw new SluiceError(
      "SLUICE_CONFIG_INVALID",
      problems.join("\n"),
      "run `sluice serve --help` for every setting; docs/configuration.md explains them",
    );
  }
  return complete(values, source, environment);
}

/** The environment as a Corefile may read it. */
export const corefileEnvironment = (): Readonly<Record<string, string | undefined>> => ({ ...process.env });

type Given = { readonly texts: readonly string[]; readonly where: string };

const fromFlags = (value: Raw[string], setting: Setting): Given | undefined =>
  value === undefined
    ? undefined
    : { texts: typeof value === "string" ? splitChoices(value, setting) : value, where: `--${setting.flag}` };

function fromEnvironment(environment: NodeJS.ProcessEnv, setting: Setting): Given | undefined {
  const name = environmentName(setting);
  const value = environment[name];
  if (value === undefined || value === "") return undefined;
  const texts = setting.type === "list" ? value.split(",").map((item) => item.trim()) : splitChoices(value, setting);
  return { texts, where: name };
}

const splitChoices = (value: string, setting: Setting): readonly string[] =>
  setting.type === "choices" ? value.split(",").map((item) => item.trim()) : [value];

/** A misspelt variable would otherwise be passed over in silence. Kubernetes' own service variables are not settings. */
function unknownVariables(environment: NodeJS.ProcessEnv): readonly string[] {
  const known = new Set(names.map((name) => environmentName(settingOf(name))));
  // The Corefile's own: the port to listen on, and where other names are asked.
  known.add("SLUICE_CLUSTER_DNS");
  const ofServices = /_(SERVICE_HOST|SERVICE_PORT|SERVICE_PORT_[A-Z0-9_]+|PORT|PORT_[A-Z0-9_]+)$/;
  return Object.keys(environment)
    .filter((name) => name.startsWith("SLUICE_") && !known.has(name) && !ofServices.test(name))
    .map((name) => `environment variable \`${name}\` is no setting`);
}

function readSetting(setting: Setting, texts: readonly string[], where: string): Result<Value> {
  const problems = texts.flatMap((text) => problemsOf(setting, text).map((problem) => `\`${where}\` ${problem}`));
  if (problems.length > 0) return fail(...problems);
  if (setting.type === "list" || setting.type === "choices") return ok(texts);
  const text = texts.at(-1) ?? "";
  return ok(setting.type === "integer" ? Number(text) : text);
}

function problemsOf(setting: Setting, text: string): readonly string[] {
  const got = `got '${text}'`;
  if (setting.choices !== undefined && !setting.choices.includes(text)) {
    return [`must be ${setting.choices.map((choice) => `'${choice}'`).join(" or ")}, ${got}`];
  }
  if (setting.format !== undefined && !setting.format.pattern.test(text)) {
    return [`must be ${setting.format.expects}, ${got}`];
  }
  if (text === "") return ["must not be empty"];
  if (setting.type !== "integer") return listenPortProblem(setting, text);
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = setting;
  const value = Number(text);
  return /^[0-9]{1,9}$/.test(text) && value >= minimum && value <= maximum
    ? []
    : [`must be a whole number from ${minimum} to ${maximum}, ${got}`];
}

function listenPortProblem(setting: Setting, text: string): readonly string[] {
  if (setting.value !== "HOST:PORT" && setting.value !== "IP[:PORT]") return [];
  const port = /:([0-9]{1,5})$/.exec(text)?.[1];
  return port !== undefined && Number(port) > 65_535 ? [`must have a port up to 65535, got '${text}'`] : [];
}

function sourceOf(
  values: Partial<Record<SettingName, Value>>,
  environment: NodeJS.ProcessEnv,
  problems: string[],
): Config["source"] {
  const manifests = values.manifests !== undefined;
  const kubeconfig = values.kubeconfig !== undefined;
  if (manifests && kubeconfig) problems.push("`--manifests` and `--kubeconfig` exclude each other");
  if (values.gatewayAddress !== undefined && !manifests) {
    problems.push("`--gateway-address` needs `--manifests`: in a cluster the Gateway's own status counts");
  }
  if (manifests) return "files";
  if (kubeconfig) return "kubeconfig";
  if (environment["KUBERNETES_SERVICE_HOST"] === undefined) {
    problems.push(
      "nothing to read objects from: give `--manifests PATH` or `--kubeconfig FILE` (outside a cluster one is needed)",
    );
  }
  return "in-cluster";
}

function complete(
  values: Partial<Record<SettingName, Value>>,
  source: Config["source"],
  environment: NodeJS.ProcessEnv,
): Config {
  const host = source === "in-cluster" ? "" : "127.0.0.1";
  const defaults = {
    manifests: [],
    gatewayAddress: [],
    upstream: [],
    extraSearches: [],
    ...(values.corefile === undefined && { dnsListen: `${host}:5353` }),
    admissionListen: `${host}:9443`,
    healthListen: `${host}:8080`,
    readyListen: `${host}:8181`,
    metricsListen: `${host}:9153`,
    drainSeconds: source === "in-cluster" ? 15 : 0,
    identity: environment["POD_NAME"] ?? environment["HOSTNAME"] ?? hostname(),
  };
  // Every value was checked against its setting's type above.
  return { ...defaults, ...values, source } as unknown as Config;
}
