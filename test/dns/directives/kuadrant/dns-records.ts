import { decodeObject } from "../../../../src/model/decode.ts";
import type { Kinds } from "../../../../src/model/kinds.ts";

export type EndpointFields = {
  readonly dnsName?: string;
  readonly recordType?: string;
  readonly recordTTL?: number;
  readonly targets?: readonly string[];
  readonly providerSpecific?: readonly { readonly name: string; readonly value: string }[];
};

/** A DNSRecord as the model reads it; by default labelled with the zone k.test. */
export function dnsRecord(
  endpoints: readonly EndpointFields[],
  options: { readonly label?: string | undefined } = { label: "k.test" },
): Kinds["DNSRecord"] {
  const { label } = options;
  return readDnsRecord({
    apiVersion: "kuadrant.io/v1alpha1",
    kind: "DNSRecord",
    metadata: {
      namespace: "dns",
      name: "records",
      labels: label === undefined ? {} : { "kuadrant.io/coredns-zone-name": label },
    },
    spec: { rootHost: label, endpoints },
  });
}

/** Any DNSRecord object as the model reads it. */
export function readDnsRecord(raw: unknown): Kinds["DNSRecord"] {
  const outcome = decodeObject(raw);
  if (outcome.status !== "decoded" || outcome.decoded.object.kind !== "DNSRecord") throw new Error("no DNSRecord");
  return outcome.decoded.object as Kinds["DNSRecord"];
}
