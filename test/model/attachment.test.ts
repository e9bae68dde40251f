import { describe, expect, test } from "vitest";
import { gatewayOf, type Refusal, refusalOf } from "../../src/model/attachment.ts";
import { topologyOf } from "../support/topology-of.ts";

/** Why a Gateway with these listeners refuses a route with this parentRef, and whether it is attached. */
function judge(
  listeners: string,
  { parent = "name: g", hostnames = "[a.example.com]", namespace = "a" } = {},
): { readonly refusal: Refusal | undefined; readonly attached: boolean } {
  const { objects, attachments } = topologyOf(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: a, name: g}
spec: {gatewayClassName: istio, listeners: [${listeners}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: ${namespace}, name: r}
spec: {parentRefs: [{${parent}, namespace: a}], hostnames: ${hostnames}}`);
  const [route] = objects.of("HTTPRoute");
  const ref = route?.spec?.parentRefs?.[0];
  const gateway = route === undefined || ref === undefined ? undefined : gatewayOf(ref, route, objects);
  if (route === undefined || ref === undefined || gateway === undefined) throw new Error("no route or gateway");
  return { refusal: refusalOf(ref, gateway, route, objects), attached: attachments.length > 0 };
}

describe("why no listener takes a route", () => {
  const HTTP = "{name: http, port: 80, protocol: HTTP}";

  test.each([
    ["a listener that takes all names", HTTP, {}, undefined],
    ["no listener at all", "", {}, { reason: "NoMatchingParent" }],
    ["another section", HTTP, { parent: "name: g, sectionName: tls" }, { reason: "NoMatchingParent" }],
    ["another port", HTTP, { parent: "name: g, port: 81" }, { reason: "NoMatchingParent" }],
    ["another namespace", HTTP, { namespace: "b" }, { reason: "NotAllowedByListeners", fault: "namespaces" }],
    [
      "a protocol without requests",
      "{name: tcp, port: 80, protocol: TCP}",
      {},
      { reason: "NotAllowedByListeners", fault: "protocol" },
    ],
    [
      "another kind",
      "{name: http, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: GRPCRoute}]}}",
      {},
      { reason: "NotAllowedByListeners", fault: "kinds" },
    ],
    [
      "another name",
      "{name: http, port: 80, protocol: HTTP, hostname: b.example.com}",
      {},
      { reason: "NoMatchingListenerHostname" },
    ],
    ["one of two listeners", `{name: tcp, port: 81, protocol: TCP}, ${HTTP}`, { hostnames: "[]" }, undefined],
  ])("%s", (_, listeners, parts, expected) => {
    const { refusal, attached } = judge(listeners, parts);
    if (expected === undefined) expect(refusal).toBeUndefined();
    else expect(refusal).toMatchObject(expected);
    expect(attached).toBe(refusal === undefined);
  });
});
