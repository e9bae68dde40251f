import fc from "fast-check";
import fjp from "fast-json-patch";
import { describe, expect, test } from "vitest";
import { DNS_ANNOTATION, decideInjection } from "../../src/inject/decide.ts";
import type { ResolverState } from "../../src/inject/facts.ts";
import { dnsProblem, SEARCH_LIMITS } from "../../src/inject/limits.ts";
import { buildPatch, checkPatch } from "../../src/inject/patch.ts";
import { previewInjection } from "../../src/inject/preview.ts";
import { renderReport } from "../../src/inject/report.ts";
import { CLUSTER, EARLIER, inputWith, OURS, PROFILE } from "./inputs.ts";

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const text = fc.string({ unit: "binary", maxLength: 12 });
const label = fc.constantFrom("a", "corp.example", "svc.cluster.local", "Bad Name", "x.example.", "ä.example", ".");
const address = fc.constantFrom(OURS, EARLIER, "1.1.1.1", "fd00::53", "FD00:0::53", "fe80::1%eth0", "010.0.0.1", "x");

/** Pods as an API server might send them: any DNS settings, annotations that are null, absent, odd or ours. */
const anyPod = fc.record(
  {
    metadata: fc.record(
      {
        name: text,
        generateName: text,
        labels: fc.option(fc.dictionary(text, text, { maxKeys: 3 })),
        annotations: fc.option(
          fc.dictionary(fc.oneof(text, fc.constantFrom(DNS_ANNOTATION, "a/b~c", "__proto__")), text, { maxKeys: 3 }),
        ),
      },
      { requiredKeys: [] },
    ),
    spec: fc.record(
      {
        dnsPolicy: fc.constantFrom("", "ClusterFirst", "ClusterFirstWithHostNet", "None", "Default", "Odd"),
        hostNetwork: fc.boolean(),
        dnsConfig: fc.option(
          fc.record(
            {
              nameservers: fc.array(address, { maxLength: 4 }),
              searches: fc.array(label, { maxLength: 40 }),
              options: fc.array(
                fc.record(
                  { name: fc.constantFrom("ndots", "timeout", "edns0", ""), value: maybe(text) },
                  { requiredKeys: ["name"] },
                ),
                { maxLength: 5 },
              ),
              later: fc.jsonValue({ maxDepth: 2 }),
            },
            { requiredKeys: [] },
          ),
        ),
        containers: fc.array(fc.record({ name: text, volumeMounts: fc.constant([{ mountPath: "/etc" }]) }), {
          maxLength: 2,
        }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["metadata", "spec"] },
);

const anyResolver: fc.Arbitrary<ResolverState> = fc.oneof(
  fc.constantFrom<ResolverState>({ status: "missing" }, { status: "unusable" }),
  fc
    .record({
      nameservers: fc.uniqueArray(fc.constantFrom(OURS, "10.96.0.54", "fd00::53"), { minLength: 1 }),
      ready: fc.boolean(),
    })
    .map((state) => ({ status: "usable" as const, ...state })),
);

const anyInput = fc
  .record({ pod: anyPod, resolver: anyResolver, egress: fc.constantFrom("audit", "enabled", "strict", "odd") })
  .map(({ pod, resolver, egress }) =>
    inputWith({ pod: JSON.parse(JSON.stringify(pod)), egress, cluster: { ...CLUSTER, resolver } }),
  );

describe("for any pod", () => {
  test("a patch applies, passes its check and leaves everything else alone", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const decision = decideInjection(input);
        fc.pre(decision.action === "inject");
        const patch = buildPatch(input.pod, decision, PROFILE);
        expect(checkPatch(input.pod, patch, decision, PROFILE)).toBe(true);
        const before = input.pod as { metadata: object; spec: object };
        const { newDocument: after } = fjp.applyPatch(JSON.parse(JSON.stringify(before)), [...patch], true, true);
        expect({ ...after.spec, dnsPolicy: 0, dnsConfig: 0 }).toEqual({ ...before.spec, dnsPolicy: 0, dnsConfig: 0 });
        expect({ ...after.metadata, annotations: 0 }).toEqual({ ...before.metadata, annotations: 0 });
      }),
      { numRuns: 500 },
    );
  });

  test("injecting twice changes nothing, and says nothing new for the audit log", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const decision = decideInjection(input);
        fc.pre(decision.action === "inject");
        const pod = JSON.parse(JSON.stringify(input.pod));
        fjp.applyPatch(pod, [...buildPatch(pod, decision, PROFILE)], true, true);
        const again = decideInjection({ ...input, pod });
        expect([again.action, again.reason, again.audit]).toEqual(["unchanged", "already-injected", {}]);
      }),
      { numRuns: 500 },
    );
  });

  test("every nameserver that is set is ours, and Kubernetes accepts the result", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const decision = decideInjection(input);
        fc.pre(decision.action === "inject");
        const { resolver } = input.cluster;
        const ours = resolver.status === "usable" ? resolver.nameservers : [];
        expect(ours).toEqual(expect.arrayContaining([...decision.config.nameservers]));
        expect(dnsProblem(decision.config, SEARCH_LIMITS.expanded)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test("our annotation never turns an injection into less", () => {
    fc.assert(
      fc.property(anyInput, text, (input, forged) => {
        const pod = input.pod as { metadata: { annotations?: object | null } };
        const marked = {
          ...pod,
          metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, [DNS_ANNOTATION]: forged } },
        };
        const plain = decideInjection(input);
        fc.pre(plain.action === "inject");
        expect(decideInjection({ ...input, pod: marked }).action).toBe("inject");
      }),
      { numRuns: 500 },
    );
  });

  test("only a strict namespace denies", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const decision = decideInjection(input);
        if (decision.action === "deny") expect(decision.mode).toBe("strict");
      }),
    );
  });
});

describe("for any JSON", () => {
  test("a decision is made, and the same each time", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.jsonValue({ maxDepth: 3 }), (metadata, spec) => {
        for (const pod of [metadata, { metadata, spec }, { metadata: {}, spec }, { metadata, spec: {} }]) {
          expect(decideInjection(inputWith({ pod }))).toEqual(decideInjection(inputWith({ pod })));
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a preview is made or not, and can be shown", () => {
    const kind = fc.constantFrom("Pod", "Deployment", "CronJob", "Gateway");
    const apiVersion = fc.constantFrom("v1", "apps/v1", "batch/v1");
    fc.assert(
      fc.property(kind, apiVersion, fc.jsonValue(), fc.jsonValue(), (name, version, metadata, spec) => {
        const { namespace } = inputWith();
        const preview = previewInjection({ apiVersion: version, kind: name, metadata, spec }, inputWith());
        if (preview !== undefined) expect(renderReport(preview, namespace)).toMatch(/\n$/);
      }),
    );
  });
});
