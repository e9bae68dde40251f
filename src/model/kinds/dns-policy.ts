import { fields, flag, integer, listOf, mapOf, text } from "../shape.ts";
import { targetRefShape } from "./policy-target.ts";

/** kuadrant.io DNSPolicy */
export const dnsPolicyShape = fields({
  spec: fields({
    targetRef: targetRefShape,
    providerRefs: listOf(fields({ name: text })),
    delegate: flag,
    excludeAddresses: listOf(text),
    healthCheck: fields({
      path: text,
      port: integer,
      protocol: text,
      failureThreshold: integer,
      interval: text,
      additionalHeadersRef: fields({ name: text }),
    }),
  }),
});

/** kuadrant.io DNSRecord */
export const dnsRecordShape = fields({
  spec: fields({
    rootHost: text,
    providerRef: fields({ name: text }),
    endpoints: listOf(
      fields({
        dnsName: text,
        recordType: text,
        recordTTL: integer,
        targets: listOf(text),
        setIdentifier: text,
        labels: mapOf(text),
        providerSpecific: listOf(fields({ name: text, value: text })),
      }),
    ),
  }),
});

/** kuadrant.io TLSPolicy */
export const tlsPolicyShape = fields({
  spec: fields({ targetRef: targetRefShape, issuerRef: fields({ group: text, kind: text, name: text }) }),
});
