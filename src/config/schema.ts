/** How a setting's text is read. `list` settings are repeated on the command line and comma-separated in the environment. */
export type SettingType = "text" | "list" | "integer" | "choice" | "choices";

export type Setting = {
  /** Long flag without dashes; the environment variable is `SLUICE_` and the flag in upper case. */
  readonly flag: string;
  readonly type: SettingType;
  readonly description: string;
  /** Placeholder of the value in `--help`. */
  readonly value: string;
  readonly choices?: readonly string[];
  readonly default?: string | number | readonly string[];
  /** What an item must look like, for the error message, and the test for it. Linear-time patterns only. */
  readonly format?: { readonly pattern: RegExp; readonly expects: string };
  readonly minimum?: number;
  readonly maximum?: number;
};

/** IPv4 or bracketed IPv6 address, or nothing for all addresses, and a port. */
const LISTEN = {
  pattern: /^(\[[0-9A-Fa-f:.]{2,45}\]|[0-9.]{7,15})?:[0-9]{1,5}$/,
  expects: "HOST:PORT, such as 127.0.0.1:5353 or :5353",
};

const UPSTREAM = {
  pattern: /^(\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?|[0-9.]{7,15}(:[0-9]{1,5})?)$/,
  expects: "an IP address with an optional port, such as 10.96.0.10 or 10.96.0.10:53",
};

const GATEWAY_ADDRESS = {
  pattern: /^([a-z0-9.-]{1,253}\/)?[a-z0-9.-]{1,253}=[0-9A-Fa-f:.]{2,45}$/,
  expects: "[NAMESPACE/]NAME=IP, such as gateway-system/egress=10.96.0.50",
};

const DOMAIN = { pattern: /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, expects: "a DNS domain in lower case" };

/** Every setting of `sluice serve`: flags, environment, file and documentation are made from this list alone. */
export const SETTINGS = {
  roles: {
    flag: "roles",
    type: "choices",
    choices: ["admission", "dns"],
    default: ["admission", "dns"],
    value: "LIST",
    description: "what this process does; a comma-separated list",
  },
  manifests: {
    flag: "manifests",
    type: "list",
    value: "PATH",
    description: "read objects from a file or folder and follow its changes; repeatable; no cluster is used",
  },
  kubeconfig: { flag: "kubeconfig", type: "text", value: "FILE", description: "use the cluster of this kubeconfig" },
  gatewayAddress: {
    flag: "gateway-address",
    type: "list",
    value: "[NS/]NAME=IP",
    format: GATEWAY_ADDRESS,
    description: "address of a Gateway that is read from files, as its controller would set it; repeatable",
  },
  upstream: {
    flag: "upstream",
    type: "list",
    value: "IP[:PORT]",
    format: UPSTREAM,
    description:
      "where names that are not egress are asked, {$SLUICE_CLUSTER_DNS} in a Corefile; repeatable; default: the host's resolv.conf, in a cluster its DNS",
  },
  corefile: {
    flag: "corefile",
    type: "text",
    value: "FILE",
    description: "configuration of the resolver; default: what `sluice dns print-corefile` prints",
  },
  dnsListen: {
    flag: "dns-listen",
    type: "text",
    value: "HOST:PORT",
    format: LISTEN,
    description:
      "address of the resolver instead of the Corefile's; without a Corefile 127.0.0.1:5353, in a cluster :5353",
  },
  dnsWorkers: {
    flag: "dns-workers",
    type: "integer",
    value: "N",
    minimum: 1,
    maximum: 64,
    description: "worker threads of the resolver; default: one per core, at most 4",
  },
  dnsClientRate: {
    flag: "dns-client-rate",
    type: "integer",
    value: "N",
    minimum: 0,
    maximum: 1_000_000,
    default: 500,
    description:
      "forwarded questions a second of one client, beyond a burst of twice as many; the excess is refused; 0: no limit",
  },
  snapshot: {
    flag: "snapshot",
    type: "text",
    value: "FILE",
    description: "keep the last known egress names here, so that a start without the API server is safe",
  },
  admissionListen: {
    flag: "admission-listen",
    type: "text",
    value: "HOST:PORT",
    format: LISTEN,
    description: "address of the webhooks (HTTPS); default 127.0.0.1:9443, in a cluster :9443",
  },
  tlsMinVersion: {
    flag: "tls-min-version",
    type: "choice",
    choices: ["1.2", "1.3"],
    default: "1.3",
    value: "VERSION",
    description: "oldest TLS version that the webhooks accept",
  },
  certsDir: {
    flag: "certs-dir",
    type: "text",
    value: "DIR",
    default: "certs",
    description: "folder of the development certificates, made when absent; not used in a cluster",
  },
  healthListen: {
    flag: "health-listen",
    type: "text",
    value: "HOST:PORT",
    format: LISTEN,
    description: "address of /health; default 127.0.0.1:8080, in a cluster :8080",
  },
  readyListen: {
    flag: "ready-listen",
    type: "text",
    value: "HOST:PORT",
    format: LISTEN,
    description: "address of /ready; default 127.0.0.1:8181, in a cluster :8181",
  },
  metricsListen: {
    flag: "metrics-listen",
    type: "text",
    value: "HOST:PORT",
    format: LISTEN,
    description: "address of /metrics; default 127.0.0.1:9153, in a cluster :9153",
  },
  adminListen: {
    flag: "admin-listen",
    type: "text",
    value: "HOST:PORT",
    format: LISTEN,
    default: "127.0.0.1:8082",
    description: "address of the admin page, which shows the egress names and findings",
  },
  namespace: {
    flag: "namespace",
    type: "text",
    value: "NAME",
    default: "sluice-system",
    description: "Sluice's own namespace: its resolver Services are injected, its pods never",
  },
  clusterDomain: {
    flag: "cluster-domain",
    type: "text",
    value: "DOMAIN",
    default: "cluster.local",
    format: DOMAIN,
    description: "the cluster's DNS domain",
  },
  extraSearches: {
    flag: "extra-search",
    type: "list",
    value: "DOMAIN",
    format: DOMAIN,
    description: "search domain that injected pods get after the cluster's own; repeatable",
  },
  gatewayAddressMode: {
    flag: "gateway-address-from",
    type: "choice",
    choices: ["status", "service"],
    default: "status",
    value: "SOURCE",
    description: "answer with the address in a Gateway's status, or with its Service's ClusterIPs",
  },
  profile: {
    flag: "profile",
    type: "choice",
    choices: ["default", "strict"],
    default: "default",
    value: "NAME",
    description: "how severe the validating webhook is where ConfigMap sluice-profile does not say",
  },
  drainSeconds: {
    flag: "drain-seconds",
    type: "integer",
    value: "SECONDS",
    minimum: 0,
    maximum: 300,
    description: "how long to keep serving after SIGTERM, not ready; default 0, in a cluster 15",
  },
  logLevel: {
    flag: "log-level",
    type: "choice",
    choices: ["debug", "info", "warn", "error", "silent"],
    default: "info",
    value: "LEVEL",
    description: "least severity that is logged",
  },
  logFormat: {
    flag: "log-format",
    type: "choice",
    choices: ["coredns", "json"],
    default: "json",
    value: "FORMAT",
    description: "JSON objects, or lines as CoreDNS writes them",
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

/** The environment variable of a setting. */
export const environmentName = (setting: Setting): string =>
  `SLUICE_${setting.flag.toUpperCase().replaceAll("-", "_")}`;

export type Role = "admission" | "dns";

/** The effective settings of one process. Optional ones depend on where it runs and have no default here. */
export type Config = {
  readonly roles: readonly Role[];
  readonly manifests: readonly string[];
  readonly kubeconfig?: string;
  readonly gatewayAddress: readonly string[];
  readonly upstream: readonly string[];
  readonly corefile?: string;
  /** Always there without a Corefile. */
  readonly dnsListen?: string;
  /** Undefined: as many as the Corefile says (`multisocket`), else one for each core. */
  readonly dnsWorkers?: number;
  readonly dnsClientRate: number;
  readonly snapshot?: string;
  readonly admissionListen: string;
  readonly tlsMinVersion: "1.2" | "1.3";
  readonly certsDir: string;
  readonly healthListen: string;
  readonly readyListen: string;
  readonly metricsListen: string;
  readonly adminListen: string;
  readonly namespace: string;
  readonly clusterDomain: string;
  readonly extraSearches: readonly string[];
  readonly gatewayAddressMode: "status" | "service";
  readonly profile: "default" | "strict";
  readonly drainSeconds: number;
  readonly logLevel: "debug" | "info" | "warn" | "error" | "silent";
  readonly logFormat: "coredns" | "json";
  /** Where objects come from: files, the cluster of a kubeconfig, or the cluster that the process runs in. */
  readonly source: "files" | "kubeconfig" | "in-cluster";
  /** Name of this process in leader election: the pod's name in a cluster. */
  readonly identity: string;
};
