import type { Plugin } from "rolldown";

/**
 * prom-client loads its clients for push gateways and for processes of `node:cluster` with everything else, and with them
 * HTTPS, TLS and zlib: megabytes of memory for what Sluice never does.
 */
export const withoutPushgateway: Plugin = {
  name: "without-pushgateway",
  load: {
    filter: { id: /\/prom-client\/lib\/(pushgateway|cluster)\.js$/ },
    handler: () => "module.exports = undefined;",
  },
};
