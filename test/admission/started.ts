import type { InjectionFacts } from "../../src/admission/mutate.ts";
import { type Admission, type AdmissionInput, startAdmission } from "../../src/admission/start-admission.ts";
import { createLog } from "../../src/observe/log.ts";
import { createMetrics, type Metrics } from "../../src/observe/metrics.ts";
import { CLUSTER, EARLIER, PROFILE } from "../inject/inputs.ts";
import { makeCa, makeLeaf } from "./certificates.ts";

/** Facts for a namespace with the given mode. */
export const factsFor =
  (egress: string) =>
  (name: string): InjectionFacts => ({
    cluster: CLUSTER,
    namespace: { name, labels: { "sluice.dev/egress": egress } },
    profile: PROFILE,
    knownPreviousAddresses: [EARLIER],
  });

export type Started = { readonly admission: Admission; readonly ca: string; readonly metrics: Metrics };

/** An admission server on a free port, with a certificate of its own CA and a judge that finds nothing. */
export async function start(changes: Partial<AdmissionInput> = {}): Promise<Started> {
  const ca = await makeCa("test-ca");
  const metrics = createMetrics();
  const admission = await startAdmission({
    listen: { host: "127.0.0.1", port: 0 },
    tls: { certificate: await makeLeaf(ca, "sluice-webhook.sluice-system.svc", "server") },
    facts: factsFor("enabled"),
    judge: () => ({ denied: [], warned: [], exempted: [], unknownKind: false }),
    metrics: metrics.admission,
    log: createLog("silent"),
    ...changes,
  });
  return { admission, ca: ca.cert, metrics };
}
