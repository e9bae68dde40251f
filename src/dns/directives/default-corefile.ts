/**
 * What the resolver does when it is given no Corefile. Two variables are filled in by the program: SLUICE_DNS_PORT is the
 * port to listen on, SLUICE_CLUSTER_DNS the ClusterIP of the cluster's own DNS (never a pod's resolv.conf).
 * Denials are kept for 5 s, as NodeLocal DNSCache does, because a new Service must be found at once.
 */
export const DEFAULT_COREFILE = `.:{$SLUICE_DNS_PORT} {
    errors {
        consolidate 30s ".* i/o timeout$" warning show_first
    }
    health :8080 {
        lameduck 15s
    }
    ready :8181
    prometheus :9153
    acl {
        allow net 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 169.254.0.0/16 127.0.0.0/8 fc00::/7 fe80::/10 ::1/128
        block
    }
    bufsize 1232
    loadbalance
    sluice {
        ttl 5
    }
    cache 30 {
        denial 9984 5
    }
    loop
    forward . {$SLUICE_CLUSTER_DNS} {
        max_concurrent 1000
        max_age 5s
    }
    reload
}
`;
