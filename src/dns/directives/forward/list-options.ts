import { isIP } from "node:net";
import type { CorefileLine } from "../../corefile/corefile.ts";
import { parseZone } from "../../corefile/zone.ts";
import type { SetupContext } from "../directive.ts";
import { readRcode } from "../dns-words.ts";
import { hasShape, readWord, readZones, wrongCount } from "../read-arguments.ts";
import type { OptionReaders } from "../read-options.ts";
import { resolvePath } from "../resolve-path.ts";
import type { ForwardBuilding } from "./setup.ts";

const POLICIES = ["random", "round_robin", "sequential"] as const;

/** Options of `forward` that only stand there. */
export function flagReaders(settings: ForwardBuilding, context: SetupContext): OptionReaders {
  const flag = (key: "forceTcp" | "preferUdp" | "nextOnNodata" | "failfastAllUnhealthy") => (option: CorefileLine) => {
    settings[key] = hasShape(option, { form: option.name.text }, context);
  };
  return {
    force_tcp: flag("forceTcp"),
    prefer_udp: flag("preferUdp"),
    next_on_nodata: flag("nextOnNodata"),
    failfast_all_unhealthy_upstreams: flag("failfastAllUnhealthy"),
    doh_method: ({ name }: CorefileLine) =>
      context.warning(name, "doh_method has no effect: upstreams are asked over plain DNS or TLS"),
  };
}

/** Adds in place: an option may stand a hundred thousand times. */
function append<T>(list: T[], more: readonly T[]): readonly T[] {
  for (const item of more) list.push(item);
  return list;
}

/** Options of `forward` that are names, codes or addresses. */
export function listReaders(settings: ForwardBuilding, context: SetupContext): OptionReaders {
  const lists = { except: [] as string[], next: [] as number[], failover: [] as number[], resolvers: [] as string[] };
  const codes = (option: CorefileLine) => {
    if (option.args.length === 0) wrongCount(option, `${option.name.text} RCODE...`, context);
    return option.args.flatMap((token) => readRcode(token, context) ?? []);
  };
  const addresses = (option: CorefileLine) =>
    option.args.flatMap((token) => {
      if (isIP(token.text) !== 0) return [token.text];
      context.error(token, `${option.name.text}: not an IP address: '${token.text}'`);
      return [];
    });
  return {
    except: (option: CorefileLine) => {
      if (option.args.length === 0) wrongCount(option, "except NAME...", context);
      else settings.except = append(lists.except, readZones(option.args, context));
    },
    policy: (option: CorefileLine) => {
      const [value] = option.args;
      if (!hasShape(option, { form: "policy random|round_robin|sequential", minimum: 1 }, context)) return;
      const word = value === undefined ? undefined : readWord(value, { what: "policy", words: POLICIES }, context);
      settings.policy = word ?? settings.policy;
    },
    next: (option: CorefileLine) => {
      settings.next = append(lists.next, codes(option));
    },
    failover: (option: CorefileLine) => {
      settings.failover = append(lists.failover, codes(option));
    },
    source_address: (option: CorefileLine) => {
      if (hasShape(option, { form: "source_address IP", minimum: 1 }, context))
        settings.sourceAddress = addresses(option)[0];
    },
    resolver: (option: CorefileLine) => {
      if (option.args.length === 0) wrongCount(option, "resolver IP...", context);
      settings.resolvers = append(lists.resolvers, addresses(option));
    },
    tls: (option: CorefileLine) => {
      if (!hasShape(option, { form: "tls [CERT KEY] [CA]", maximum: 3 }, context)) return;
      settings.tls = { ...settings.tls, files: option.args.map((token) => resolvePath(token, context.root)) };
    },
    tls_servername: (option: CorefileLine) => {
      const [value] = option.args;
      if (!hasShape(option, { form: "tls_servername NAME", minimum: 1 }, context) || value === undefined) return;
      if (!parseZone(value.text).ok) context.error(value, `tls_servername: not a host name: '${value.text}'`);
      settings.tls = { ...settings.tls, serverName: value.text.replace(/\.$/, "") };
    },
  };
}
