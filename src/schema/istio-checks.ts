import type { FieldPath } from "../model/field-path.ts";
import type { Check } from "./check-scalar.ts";
import { fieldOf, isMap, type JsonMap } from "./json.ts";
import { report, shown } from "./violation.ts";

/**
 * What istiod's own validating webhook refuses and the definitions do not say.
 * SOURCE: istio, pkg/config/validation/validation.go and agent/validation.go.
 */

const listIn = (map: JsonMap, name: string): readonly unknown[] => {
  const value = fieldOf(map, name);
  return Array.isArray(value) ? value : [];
};

const isSet = (map: JsonMap, name: string): boolean => {
  const value = fieldOf(map, name);
  return value !== undefined && value !== null && value !== "";
};

const refuse = ({ violations }: Check, path: FieldPath, message: string, hint: string): void =>
  report(violations, { kind: "invalid", path, message: `Istio refuses this: ${message}`, hint });

function checkHosts(spec: JsonMap, path: FieldPath, check: Check): void {
  const hosts = listIn(spec, "hosts");
  if (hosts.length === 0) {
    refuse(check, [...path, "hosts"], "a ServiceEntry needs at least one host", "List the hosts that it is about.");
  }
  for (const [position, host] of hosts.entries()) {
    if (host !== "*") continue;
    const hint = "Write a host, or a wildcard of a domain such as `*.example.com`.";
    refuse(check, [...path, "hosts", position], "`*` stands for every host there is", hint);
  }
}

/** Names and numbers of ports that stand twice. */
function checkPorts(spec: JsonMap, path: FieldPath, check: Check): void {
  for (const name of ["name", "number"]) {
    const seen = new Map<unknown, number>();
    for (const [position, port] of listIn(spec, "ports").entries()) {
      const value = isMap(port) ? fieldOf(port, name) : undefined;
      if (value === undefined) continue;
      const first = seen.get(value);
      if (first === undefined) seen.set(value, position);
      else {
        const message = `port ${first} has the same ${name}, ${shown(value)}`;
        refuse(check, [...path, "ports", position, name], message, `Give each port a ${name} of its own.`);
      }
    }
  }
}

function checkEndpoints(spec: JsonMap, path: FieldPath, check: Check): void {
  const endpoints = listIn(spec, "endpoints");
  const at = [...path, "endpoints"];
  const resolution = fieldOf(spec, "resolution") ?? "NONE";
  const alone = resolution === "NONE" || resolution === "DYNAMIC_DNS";
  if (alone && endpoints.length > 0) {
    const hint = "Remove `endpoints`, or use `resolution: STATIC` or `DNS`.";
    refuse(check, at, `\`resolution: ${resolution}\` takes no endpoints`, hint);
  }
  if (resolution === "DNS_ROUND_ROBIN" && endpoints.length > 1) {
    refuse(check, at, "`resolution: DNS_ROUND_ROBIN` takes one endpoint", "Keep one, or use `resolution: DNS`.");
  }
  if (resolution === "DNS" || resolution === "DNS_ROUND_ROBIN" || resolution === "STATIC") {
    checkEndpointPorts(spec, path, check);
  }
}

/** An endpoint may map only ports that the entry has. */
function checkEndpointPorts(spec: JsonMap, path: FieldPath, check: Check): void {
  const names = new Set(listIn(spec, "ports").flatMap((port) => (isMap(port) ? [fieldOf(port, "name")] : [])));
  for (const [position, endpoint] of listIn(spec, "endpoints").entries()) {
    const ports = isMap(endpoint) ? fieldOf(endpoint, "ports") : undefined;
    for (const name of isMap(ports) ? Object.keys(ports) : []) {
      if (names.has(name)) continue;
      const message = `the entry has no port named \`${name}\``;
      refuse(check, [...path, "endpoints", position, "ports", name], message, "Use a name of `spec.ports`.");
    }
  }
}

/** A wildcard that Envoy looks up name by name: no other way to find addresses. */
function checkDynamic(spec: JsonMap, path: FieldPath, check: Check): void {
  if (fieldOf(spec, "resolution") !== "DYNAMIC_DNS") return;
  for (const [position, host] of listIn(spec, "hosts").entries()) {
    if (typeof host !== "string" || host.startsWith("*")) continue;
    const hint = "Use `resolution: DNS` for hosts without a wildcard.";
    refuse(check, [...path, "hosts", position], "`resolution: DYNAMIC_DNS` is for wildcards only", hint);
  }
  if (listIn(spec, "addresses").length === 0) return;
  const hint = "Remove `addresses`.";
  refuse(check, [...path, "addresses"], "`resolution: DYNAMIC_DNS` takes no addresses", hint);
}

function checkServiceEntry(spec: JsonMap, path: FieldPath, check: Check): void {
  checkHosts(spec, path, check);
  checkPorts(spec, path, check);
  checkEndpoints(spec, path, check);
  checkDynamic(spec, path, check);
  if (isSet(spec, "workloadSelector") && isSet(spec, "endpoints")) {
    const hint = "Keep one of the two.";
    refuse(check, [...path, "endpoints"], "`endpoints` and `workloadSelector` exclude each other", hint);
  }
}

const FILES = ["clientCertificate", "privateKey", "caCertificates", "caCrl"] as const;

function checkTls(tls: unknown, path: FieldPath, check: Check): void {
  if (!isMap(tls)) return;
  const mode = fieldOf(tls, "mode");
  if (mode !== "SIMPLE" && mode !== "MUTUAL") return;
  if (isSet(tls, "credentialName")) {
    for (const name of FILES.filter((each) => isSet(tls, each))) {
      const hint = "Keep the files or `credentialName`.";
      refuse(check, [...path, name], `\`${name}\` and \`credentialName\` exclude each other`, hint);
    }
  } else if (mode === "MUTUAL") {
    for (const name of ["clientCertificate", "privateKey"]) {
      if (isSet(tls, name)) continue;
      const message = `\`mode: MUTUAL\` needs \`${name}\``;
      refuse(check, [...path, name], message, "Set `clientCertificate` and `privateKey`, or `credentialName`.");
    }
  }
  if (fieldOf(tls, "insecureSkipVerify") !== true) return;
  const excluded = mode === "SIMPLE" ? ["caCertificates", "credentialName"] : ["caCertificates"];
  for (const name of [...excluded, "subjectAltNames"].filter((each) => isSet(tls, each))) {
    const message = `\`${name}\` verifies the peer, and \`insecureSkipVerify\` says not to`;
    refuse(check, [...path, name], message, "Remove `insecureSkipVerify`.");
  }
}

function checkTrafficPolicy(policy: unknown, path: FieldPath, check: Check): void {
  if (!isMap(policy)) return;
  checkTls(fieldOf(policy, "tls"), [...path, "tls"], check);
  for (const [position, settings] of listIn(policy, "portLevelSettings").entries()) {
    if (isMap(settings)) checkTls(fieldOf(settings, "tls"), [...path, "portLevelSettings", position, "tls"], check);
  }
}

function checkDestinationRule(spec: JsonMap, path: FieldPath, check: Check): void {
  if (!isSet(spec, "host")) {
    refuse(check, [...path, "host"], "a DestinationRule needs a host", "Write the host that it is about.");
  }
  checkTrafficPolicy(fieldOf(spec, "trafficPolicy"), [...path, "trafficPolicy"], check);
  for (const [position, subset] of listIn(spec, "subsets").entries()) {
    if (!isMap(subset)) continue;
    checkTrafficPolicy(fieldOf(subset, "trafficPolicy"), [...path, "subsets", position, "trafficPolicy"], check);
  }
}

function checkAuthorizationPolicy(spec: JsonMap, path: FieldPath, check: Check): void {
  const refs = listIn(spec, "targetRefs");
  const single = fieldOf(spec, "targetRef");
  const targets: readonly (readonly [FieldPath, unknown])[] = [
    ...(single === undefined ? [] : [[[...path, "targetRef"], single] as const]),
    ...refs.map((ref, position) => [[...path, "targetRefs", position], ref] as const),
  ];
  for (const [at, ref] of targets) {
    if (!isMap(ref) || !isSet(ref, "namespace")) continue;
    const hint = "Put the policy into the namespace of its target, and remove `namespace`.";
    refuse(check, [...at, "namespace"], "a policy cannot target an object of another namespace", hint);
  }
  if (targets.length > 0 && isSet(spec, "selector")) {
    const hint = "Keep one of the two.";
    refuse(check, [...path, "selector"], "`selector` and targets exclude each other", hint);
  }
}

const CHECKS: Readonly<Record<string, (spec: JsonMap, path: FieldPath, check: Check) => void>> = {
  ServiceEntry: checkServiceEntry,
  DestinationRule: checkDestinationRule,
  AuthorizationPolicy: checkAuthorizationPolicy,
};

/** Checks an object of Istio's kinds as istiod does, with or without its definition. */
export function checkIstio(kind: string, raw: JsonMap, check: Check): void {
  const spec = fieldOf(raw, "spec");
  if (Object.hasOwn(CHECKS, kind) && isMap(spec)) CHECKS[kind]?.(spec, ["spec"], check);
}
