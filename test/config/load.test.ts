import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { environmentName, SETTINGS, type Setting } from "../../src/config/schema.ts";
import { SluiceError } from "../../src/model/errors.ts";

const FILES = { manifests: ["a"] };

const problemsOf = (flags: Record<string, string | string[]>, environment: Record<string, string> = {}): string => {
  try {
    loadConfig(flags, environment);
    return "";
  } catch (error) {
    if (error instanceof SluiceError) return error.message;
    throw error;
  }
};

describe("loadConfig", () => {
  test("a flag counts before the environment, that before the default", () => {
    const environment = { SLUICE_PROFILE: "strict", SLUICE_LOG_LEVEL: "debug" };
    const config = loadConfig({ ...FILES, logLevel: "warn" }, environment);
    expect([config.logLevel, config.profile, config.tlsMinVersion]).toEqual(["warn", "strict", "1.3"]);
  });

  test("a list in the environment is separated by commas", () => {
    expect(loadConfig({}, { SLUICE_MANIFESTS: "a, b", SLUICE_UPSTREAM: "10.0.0.1" })).toMatchObject({
      manifests: ["a", "b"],
      upstream: ["10.0.0.1"],
      source: "files",
    });
  });

  test.each([
    [
      "files listen on loopback",
      loadConfig(FILES, {}),
      { dnsListen: "127.0.0.1:5353", drainSeconds: 0, source: "files" },
    ],
    [
      "a cluster listens everywhere and drains",
      loadConfig({}, { KUBERNETES_SERVICE_HOST: "10.96.0.1" }),
      { dnsListen: ":5353", drainSeconds: 15, source: "in-cluster" },
    ],
    ["roles are a list", loadConfig({ ...FILES, roles: "dns" }, {}), { roles: ["dns"] }],
  ])("%s", (_title, config, expected) => {
    expect(config).toMatchObject(expected);
  });

  test.each([
    ["nothing to read", {}, {}, "nothing to read objects from"],
    ["two sources", { ...FILES, kubeconfig: "k" }, {}, "exclude each other"],
    ["an unknown role", { ...FILES, roles: "dns,web" }, {}, "`--roles` must be 'admission' or 'dns', got 'web'"],
    ["a bad address", { ...FILES, dnsListen: "localhost:53" }, {}, "`--dns-listen` must be HOST:PORT"],
    ["a port too high", { ...FILES, dnsListen: "127.0.0.1:70000" }, {}, "must have a port up to 65535"],
    [
      "a number out of range",
      { ...FILES, dnsWorkers: "0" },
      {},
      "`--dns-workers` must be a whole number from 1 to 64, got '0'",
    ],
    ["a number that is none", { ...FILES, drainSeconds: "1e3" }, {}, "must be a whole number"],
    ["an upstream name", { ...FILES, upstream: ["kube-dns"] }, {}, "`--upstream` must be an IP address"],
    [
      "a misspelt variable",
      FILES,
      { SLUICE_LOGLEVEL: "debug" },
      "environment variable `SLUICE_LOGLEVEL` is no setting",
    ],
    [
      "a bad value in the environment",
      FILES,
      { SLUICE_PROFILE: "lax" },
      "`SLUICE_PROFILE` must be 'default' or 'strict', got 'lax'",
    ],
    ["a gateway address without files", { kubeconfig: "k", gatewayAddress: ["a=10.0.0.1"] }, {}, "needs `--manifests`"],
  ])("refuses %s", (_title, flags, environment, expected) => {
    expect(problemsOf(flags, environment)).toContain(expected);
  });

  test("reports every problem at once", () => {
    expect(problemsOf({ ...FILES, roles: "x", profile: "y" }).split("\n")).toHaveLength(2);
  });

  test("passes over the variables that Kubernetes makes for our own Services", () => {
    const environment = {
      SLUICE_DNS_SERVICE_HOST: "10.96.0.9",
      SLUICE_DNS_PORT_53_UDP_ADDR: "10.96.0.9",
      SLUICE_WEBHOOK_PORT: "tcp://x",
    };
    expect(problemsOf(FILES, environment)).toBe("");
  });
});

test("every setting has its own flag and variable", () => {
  const settings: readonly Setting[] = Object.values(SETTINGS);
  expect(new Set(settings.map(({ flag }) => flag)).size).toBe(settings.length);
  expect(settings.map(environmentName).every((name) => /^SLUICE_[A-Z_]+$/.test(name))).toBe(true);
});
