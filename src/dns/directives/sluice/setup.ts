import { EGRESS_GATEWAY_LABEL } from "../../../model/egress-gateway.ts";
import type { CorefileLine } from "../../corefile/corefile.ts";
import { parseZone } from "../../corefile/zone.ts";
import type { Directive, SetupContext } from "../directive.ts";
import { type KubeconfigSettings, readKubeconfig } from "../kuadrant/setup.ts";
import { hasShape, readInteger, readWord, readZones } from "../read-arguments.ts";
import { readOptions } from "../read-options.ts";
import { readPassthrough, readSelector } from "./values.ts";

export type SluiceSettings = {
  /** Names outside are no egress names. */
  readonly zones: readonly string[];
  /** Seconds. */
  readonly ttl: number;
  /** Record types of an egress name that are asked upstream. */
  readonly passthrough: readonly number[];
  readonly cnameGuard: "exact" | "strict" | "off";
  readonly search: "nxdomain" | "cname" | "forward";
  /** Undefined: found out, else cluster.local. */
  readonly clusterDomain: string | undefined;
  readonly conflict: "oldest" | "merge";
  /** Names that are forwarded although a wildcard covers them. */
  readonly except: readonly string[];
  /** A label selector on one line. */
  readonly gateways: string;
  readonly gatewayClients: "direct" | "egress";
  readonly gatewayAddress: "status" | "service";
  /** A path, `off`, or undefined for the program's own choice. */
  readonly snapshot: string | undefined;
  readonly kubeconfig: KubeconfigSettings | undefined;
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Short, so that a gateway's new address is used at once; the bound keeps an old one from living on in clients. */
const DEFAULT_TTL = 5;
const MAX_TTL = 300;

/** MX, TXT and CAA: mail and certificates of a domain whose web server is behind the gateway. */
const DEFAULT_PASSTHROUGH: readonly number[] = [15, 16, 257];

/** Chooses what is chosen without any selector: labelled Gateways, and those with a route that leads out. */
export const DEFAULT_GATEWAYS = `${EGRESS_GATEWAY_LABEL}=true`;

const DEFAULTS: Omit<SluiceSettings, "zones"> = {
  ttl: DEFAULT_TTL,
  passthrough: DEFAULT_PASSTHROUGH,
  cnameGuard: "exact",
  search: "nxdomain",
  clusterDomain: undefined,
  conflict: "oldest",
  except: [],
  gateways: DEFAULT_GATEWAYS,
  gatewayClients: "direct",
  gatewayAddress: "status",
  snapshot: undefined,
  kubeconfig: undefined,
};

/** `sluice [ZONE…] { … }`: egress names are answered with the address of their gateway. */
export const sluiceDirective: Directive<SluiceSettings> = {
  occurs: "once",
  setup: (line, context) => {
    const settings: Mutable<SluiceSettings> = { zones: readZones(line.args, context), ...DEFAULTS };
    readOptions(line, { ...wordReaders(settings, context), ...valueReaders(settings, context) }, context);
    return settings;
  },
};

/** Options that choose one of a few words. */
function wordReaders(settings: Mutable<SluiceSettings>, context: SetupContext) {
  const choose =
    <K extends "cnameGuard" | "search" | "conflict" | "gatewayClients" | "gatewayAddress">(
      key: K,
      words: readonly (SluiceSettings[K] & string)[],
    ) =>
    (option: CorefileLine): void => {
      const [value] = option.args;
      if (!hasShape(option, { form: `${option.name.text} ${words.join("|")}`, minimum: 1 }, context)) return;
      const word = value === undefined ? undefined : readWord(value, { what: option.name.text, words }, context);
      if (word !== undefined) settings[key] = word;
    };
  return {
    cname_guard: choose("cnameGuard", ["exact", "strict", "off"]),
    search: choose("search", ["nxdomain", "cname", "forward"]),
    conflict: choose("conflict", ["oldest", "merge"]),
    gateway_clients: choose("gatewayClients", ["direct", "egress"]),
    gateway_address: choose("gatewayAddress", ["status", "service"]),
  };
}

/** Options that take a value. */
function valueReaders(settings: Mutable<SluiceSettings>, context: SetupContext) {
  const except: string[] = [];
  const one = (option: CorefileLine, form: string) =>
    hasShape(option, { form, minimum: 1 }, context) ? option.args[0] : undefined;
  return {
    ttl: (option: CorefileLine) => {
      const value = one(option, "ttl SECONDS");
      if (value === undefined) return;
      settings.ttl = readInteger(value, { what: "ttl", minimum: 0, maximum: MAX_TTL }, context) ?? DEFAULT_TTL;
    },
    passthrough: (option: CorefileLine) => {
      settings.passthrough = readPassthrough(option, context);
    },
    cluster_domain: (option: CorefileLine) => {
      const value = one(option, "cluster_domain NAME");
      if (value === undefined) return;
      const zone = parseZone(value.text);
      if (zone.ok) settings.clusterDomain = zone.value;
      else context.error(value, zone.problems.join("; "));
    },
    except: (option: CorefileLine) => {
      for (const name of readExcept(option, context)) except.push(name);
      settings.except = except;
    },
    gateways: (option: CorefileLine) => {
      settings.gateways = readSelector(option, context) ?? DEFAULT_GATEWAYS;
    },
    snapshot: (option: CorefileLine) => {
      settings.snapshot = one(option, "snapshot PATH|off")?.text;
    },
    kubeconfig: (option: CorefileLine) => {
      settings.kubeconfig = readKubeconfig(option, context);
    },
  };
}

function readExcept({ name, args }: CorefileLine, context: SetupContext): readonly string[] {
  if (args.length === 0) context.error(name, "except needs at least one name");
  return args.flatMap((token) => {
    if (token.text.includes("*")) {
      context.error(token, `wildcard in except: '${token.text}'; name each host that is to be forwarded`);
      return [];
    }
    const zone = parseZone(token.text);
    if (!zone.ok) context.error(token, zone.problems.join("; "));
    return zone.ok ? [zone.value] : [];
  });
}
