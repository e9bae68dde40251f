import type { CorefileLine } from "../../corefile/corefile.ts";
import type { Token } from "../../corefile/token.ts";
import { parseZone } from "../../corefile/zone.ts";
import type { Directive, SetupContext } from "../directive.ts";
import { hasShape, readZones } from "../read-arguments.ts";
import { readOptions } from "../read-options.ts";

export type KubeconfigSettings = { readonly path: string; readonly context: string | undefined };

export type KuadrantSettings = {
  /** DNSRecords labelled with one of these are served. */
  readonly zones: readonly string[];
  /** Undefined: the cluster that the process runs in or was started with. */
  readonly kubeconfig: KubeconfigSettings | undefined;
  /** Mailbox of the SOA as a domain name; undefined: hostmaster of the zone. */
  readonly rname: string | undefined;
};

/** `kuadrant [ZONE…] { kubeconfig PATH [CONTEXT]; rname EMAIL }`: DNSRecord objects as zones. */
export const kuadrantDirective: Directive<KuadrantSettings> = {
  occurs: "once",
  setup: (line, context) => {
    let kubeconfig: KubeconfigSettings | undefined;
    let rname: string | undefined;
    const readers = {
      kubeconfig: (option: CorefileLine) => {
        kubeconfig = readKubeconfig(option, context);
      },
      rname: (option: CorefileLine) => {
        const [email] = option.args;
        if (hasShape(option, { form: "rname EMAIL", minimum: 1 }, context) && email !== undefined) {
          rname = readMailbox(email, context);
        }
      },
    };
    readOptions(line, readers, context, "Unknown property");
    const zones = readZones(line.args, context);
    if (zones.includes(".")) {
      context.warning(line.name, "kuadrant serves the root: no name reaches the directives behind it; write its ZONEs");
    }
    return { zones, kubeconfig, rname };
  },
};

/** `kubeconfig PATH [CONTEXT]`. The file is not opened here. */
export function readKubeconfig(option: CorefileLine, context: SetupContext): KubeconfigSettings | undefined {
  const form = "kubeconfig PATH [CONTEXT]";
  if (!hasShape(option, { form, minimum: 1, maximum: 2 }, context)) return undefined;
  return { path: option.args[0]?.text ?? "", context: option.args[1]?.text };
}

/** A mailbox as RFC 1035 section 8 writes it: the `@` becomes a dot, dots before it are escaped. */
function readMailbox(token: Token, context: SetupContext): string | undefined {
  const [local = "", domain, ...more] = token.text.split("@");
  if (domain === undefined && parseZone(token.text).ok) return `${token.text.replace(/\.$/, "").toLowerCase()}.`;
  const zone = parseZone(domain ?? "");
  if (!zone.ok || more.length > 0 || !/^[A-Za-z0-9._+-]{1,63}$/.test(local)) {
    return context.error(token, `invalid rname '${token.text}': write an address such as admin@example.org`);
  }
  return `${local.replaceAll(".", "\\.")}.${zone.value}`;
}
