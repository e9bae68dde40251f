import { CONFIG, EARLIER, OURS } from "../inputs.ts";
import { ANNOTATED, inject, names, none, pod, type Row, refused, same } from "./row.ts";

/** Spec rows: what the pod itself asks for. */
export const OWN_DNS_ROWS: readonly Row[] = [
  { row: 1, title: "a plain pod is injected", change: {}, ...inject },
  { row: 2, title: "a missing dnsPolicy counts as ClusterFirst", change: pod({ dnsPolicy: undefined }), ...inject },
  { row: 2, title: "an empty dnsPolicy counts as ClusterFirst", change: pod({ dnsPolicy: "" }), ...inject },
  {
    row: 3,
    title: "own options are kept",
    change: pod({ dnsConfig: { options: [{ name: "ndots", value: "2" }] } }),
    ...inject,
  },
  { row: 4, title: "own searches are kept", change: pod({ dnsConfig: { searches: ["corp.example"] } }), ...inject },
  {
    row: 5,
    title: "own nameservers are dropped and named",
    change: pod({ dnsConfig: { nameservers: ["8.8.8.8"] } }),
    ...inject,
    warns: ["nameservers-dropped"],
  },
  {
    row: 6,
    title: "more than 32 searches do not fit",
    change: pod({ dnsConfig: { searches: names(30, 5) } }),
    ...refused("search-limit"),
  },
  {
    row: 6,
    title: "more than 2048 characters do not fit",
    change: pod({ dnsConfig: { searches: names(20, 120) } }),
    ...refused("search-limit"),
  },
  {
    row: 7,
    title: "a search domain over 253 characters is refused",
    change: pod({ dnsConfig: { searches: ["a".repeat(254)] } }),
    ...refused("search-invalid"),
  },
  {
    row: 7,
    title: "a search domain that is no name is refused",
    change: pod({ dnsConfig: { searches: ["Corp Example"] } }),
    ...refused("search-invalid"),
  },
  {
    row: 8,
    title: "more than three nameservers are the API server's to refuse",
    change: pod({ dnsConfig: { nameservers: ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"] } }),
    ...same("skip", "invalid-dns"),
  },
  {
    row: 9,
    title: "dnsPolicy Default is the author's choice",
    change: pod({ dnsPolicy: "Default" }),
    ...refused("dns-policy-default"),
  },
  {
    row: 10,
    title: "None with a foreign nameserver is the author's choice",
    change: none({ nameservers: ["1.1.1.1"] }),
    ...refused("dns-policy-none"),
  },
  {
    row: 10,
    title: "a foreign nameserver beside ours is foreign",
    change: none({ nameservers: [OURS, "1.1.1.1"] }),
    ...refused("dns-policy-none"),
  },
  {
    row: 11,
    title: "what equals our result is unchanged",
    change: none(CONFIG),
    ...same("unchanged", "already-injected"),
  },
  {
    row: 12,
    title: "our nameserver without ndots and searches is kept",
    change: none({ nameservers: [OURS] }),
    ...same("unchanged", "nameserver-ours"),
    warns: ["dns-settings-missing"],
  },
  {
    row: 13,
    title: "None without dnsConfig is the API server's to refuse",
    change: none(undefined),
    ...same("skip", "invalid-dns"),
  },
  {
    row: 13,
    title: "None without nameservers is the API server's to refuse",
    change: none({ searches: ["a.example"] }),
    ...same("skip", "invalid-dns"),
  },
  { row: 14, title: "a copied annotation without config changes nothing", change: pod({}, ANNOTATED), ...inject },
  {
    row: 15,
    title: "an earlier address of ours is replaced",
    change: none({ nameservers: [EARLIER] }),
    ...same("inject", "stale-nameserver"),
    warns: ["stale-nameserver"],
  },
  {
    row: 16,
    title: "hostNetwork with ClusterFirst asks the node's DNS",
    change: pod({ hostNetwork: true }),
    ...refused("host-network"),
  },
  {
    row: 16,
    title: "hostNetwork without dnsPolicy is ClusterFirst",
    change: pod({ hostNetwork: true, dnsPolicy: undefined }),
    ...refused("host-network"),
  },
  {
    row: 17,
    title: "hostNetwork with ClusterFirstWithHostNet is injected",
    change: pod({ hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" }),
    ...same("inject", "cluster-first-with-host-net"),
  },
  {
    row: 15,
    title: "an earlier address of ours beside ClusterFirst is dropped and named",
    change: pod({ dnsConfig: { nameservers: [EARLIER, OURS] } }),
    ...inject,
    warns: ["nameservers-dropped"],
  },
];
