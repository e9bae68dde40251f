import type { CreateHandler, Handler, HandlerContext } from "../pipeline/serve.ts";
import { createAclHandlers } from "./acl/handler.ts";
import { createAnyHandler } from "./any/handler.ts";
import { createCacheHandler } from "./cache/handler.ts";
import { createCancelHandler } from "./cancel/handler.ts";
import { createChaosHandler } from "./chaos/handler.ts";
import { createErrorsHandler } from "./errors/handler.ts";
import { createForwardHandler } from "./forward/handler.ts";
import { createHeaderHandler } from "./header/handler.ts";
import { createHostsHandler } from "./hosts/handler.ts";
import { createKuadrantHandler } from "./kuadrant/handler.ts";
import { createLoadbalanceHandler } from "./loadbalance/handler.ts";
import { createLocalHandler } from "./local/handler.ts";
import { createLogHandler } from "./log/handler.ts";
import { createLoopHandler } from "./loop/handler.ts";
import { createMinimalHandler } from "./minimal/handler.ts";
import type { DirectiveName, SettingsOf } from "./registry.ts";
import { createRewriteHandlers } from "./rewrite/handler.ts";
import { createSluiceHandler } from "./sluice/handler.ts";
import { createTemplateHandler } from "./template/handler.ts";
import { createWhoamiHandler } from "./whoami/handler.ts";

/** Makes one handler of all lines of a directive in a server block, because they decide together which of them acts. */
export type CreateJointHandler<S> = (settings: readonly S[], context: HandlerContext) => Handler;

export const JOINT_HANDLERS: { readonly [N in DirectiveName]?: CreateJointHandler<SettingsOf<N>> } = {
  rewrite: createRewriteHandlers,
  acl: createAclHandlers,
};

/** What the other directives do that see questions, line by line. The rest sets something up: sockets, limits, pages. */
export const HANDLERS: { readonly [N in DirectiveName]?: CreateHandler<SettingsOf<N>> } = {
  cancel: createCancelHandler,
  errors: createErrorsHandler,
  log: createLogHandler,
  local: createLocalHandler,
  any: createAnyHandler,
  chaos: createChaosHandler,
  loadbalance: createLoadbalanceHandler,
  sluice: createSluiceHandler,
  cache: createCacheHandler,
  header: createHeaderHandler,
  minimal: createMinimalHandler,
  template: createTemplateHandler,
  hosts: createHostsHandler,
  kuadrant: createKuadrantHandler,
  loop: createLoopHandler,
  forward: createForwardHandler,
  whoami: createWhoamiHandler,
};
