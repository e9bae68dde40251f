import { fields, flag, listOf, mapOf, type Read, text } from "../shape.ts";

const containerShape = fields({
  name: text,
  env: listOf(fields({ name: text, value: text })),
  volumeMounts: listOf(fields({ name: text, mountPath: text, subPath: text })),
});

/** The part of core/v1 PodSpec that decides about a pod's DNS. */
export const podSpecShape = fields({
  dnsPolicy: text,
  dnsConfig: fields({
    nameservers: listOf(text),
    searches: listOf(text),
    options: listOf(fields({ name: text, value: text })),
  }),
  hostNetwork: flag,
  serviceAccountName: text,
  nodeName: text,
  priorityClassName: text,
  runtimeClassName: text,
  automountServiceAccountToken: flag,
  os: fields({ name: text }),
  nodeSelector: mapOf(text),
  hostAliases: listOf(fields({ ip: text, hostnames: listOf(text) })),
  containers: listOf(containerShape),
  initContainers: listOf(containerShape),
  tolerations: listOf(fields({ key: text, operator: text, value: text, effect: text })),
  affinity: fields({
    nodeAffinity: fields({
      requiredDuringSchedulingIgnoredDuringExecution: fields({
        nodeSelectorTerms: listOf(
          fields({ matchExpressions: listOf(fields({ key: text, operator: text, values: listOf(text) })) }),
        ),
      }),
    }),
  }),
});
export type PodSpec = Read<typeof podSpecShape>;

/** core/v1 Pod */
export const podShape = fields({ spec: podSpecShape, status: fields({ podIP: text, phase: text }) });
