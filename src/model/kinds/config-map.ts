import { fields, text } from "../shape.ts";

/**
 * core/v1 ConfigMap: of anybody's configuration only a DNS server's Corefile and Istio's mesh settings are read. Read from
 * files alone: a cluster's ConfigMaps are many, and none of ours but one.
 */
export const configMapShape = fields({ data: fields({ Corefile: text, mesh: text }) });
