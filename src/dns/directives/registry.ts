import { aclDirective } from "./acl/setup.ts";
import { anyDirective } from "./any/setup.ts";
import { bindDirective } from "./bind/setup.ts";
import { bufsizeDirective } from "./bufsize/setup.ts";
import { cacheDirective } from "./cache/setup.ts";
import { cancelDirective } from "./cancel/setup.ts";
import { chaosDirective } from "./chaos/setup.ts";
import { debugDirective } from "./debug/setup.ts";
import type { Directive } from "./directive.ts";
import { errorsDirective } from "./errors/setup.ts";
import { forwardDirective } from "./forward/setup.ts";
import { headerDirective } from "./header/setup.ts";
import { healthDirective } from "./health/setup.ts";
import { hostsDirective } from "./hosts/setup.ts";
import { kuadrantDirective } from "./kuadrant/setup.ts";
import { loadbalanceDirective } from "./loadbalance/setup.ts";
import { localDirective } from "./local/setup.ts";
import { logDirective } from "./log/setup.ts";
import { loopDirective } from "./loop/setup.ts";
import { minimalDirective } from "./minimal/setup.ts";
import { multisocketDirective } from "./multisocket/setup.ts";
import { nsidDirective } from "./nsid/setup.ts";
import { prometheusDirective } from "./prometheus/setup.ts";
import { readyDirective } from "./ready/setup.ts";
import { reloadDirective } from "./reload/setup.ts";
import { rewriteDirective } from "./rewrite/setup.ts";
import { rootDirective } from "./root-path/setup.ts";
import { sluiceDirective } from "./sluice/setup.ts";
import { templateDirective } from "./template/setup.ts";
import { timeoutsDirective } from "./timeouts/setup.ts";
import { whoamiDirective } from "./whoami/setup.ts";

/**
 * Every directive that is understood, in the order in which they act on a question, whatever their order in the file.
 * `rewrite` stands before `acl`, as in CoreDNS since 1.14.2 (CVE-2026-26017). `sluice` acts twice: here, and on the way
 * back right above `cache`, so that cached and fresh answers pass through its guard.
 */
export const DIRECTIVES = {
  root: rootDirective,
  cancel: cancelDirective,
  timeouts: timeoutsDirective,
  multisocket: multisocketDirective,
  reload: reloadDirective,
  nsid: nsidDirective,
  bufsize: bufsizeDirective,
  bind: bindDirective,
  debug: debugDirective,
  ready: readyDirective,
  health: healthDirective,
  prometheus: prometheusDirective,
  errors: errorsDirective,
  log: logDirective,
  local: localDirective,
  any: anyDirective,
  chaos: chaosDirective,
  loadbalance: loadbalanceDirective,
  rewrite: rewriteDirective,
  acl: aclDirective,
  sluice: sluiceDirective,
  cache: cacheDirective,
  header: headerDirective,
  minimal: minimalDirective,
  template: templateDirective,
  hosts: hostsDirective,
  kuadrant: kuadrantDirective,
  loop: loopDirective,
  forward: forwardDirective,
  whoami: whoamiDirective,
} as const satisfies Readonly<Record<string, Directive<unknown>>>;

export type DirectiveName = keyof typeof DIRECTIVES;

/** Settings of a directive by its name. */
export type SettingsOf<N extends DirectiveName> = (typeof DIRECTIVES)[N] extends Directive<infer S> ? S : never;

/** Names in the order of execution. */
export const EXECUTION_ORDER = Object.keys(DIRECTIVES) as readonly DirectiveName[];

export const isDirective = (name: string): name is DirectiveName => Object.hasOwn(DIRECTIVES, name);
