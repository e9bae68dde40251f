import { describe, expect, test } from "vitest";
import { rule } from "../../src/lint/rules/hostname-backend-no-serviceentry.ts";
import { applying, brief, findingsOf } from "../support/rule-findings.ts";

const route = (backend: string, parent = "{name: egress, namespace: gateways}"): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: team-a, name: r}
spec: {parentRefs: [${parent}], rules: [{backendRefs: [{group: networking.istio.io, kind: Hostname, ${backend}}]}]}`;
const entry = (namespace: string, host: string, more = ""): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {namespace: ${namespace}, name: e}
spec: {hosts: ["${host}"], resolution: DNS, ports: [{number: 443, name: https, protocol: HTTPS}]${more}}`;
const OPENAI = "name: api.openai.com, port: 443";
const AT = "spec.rules[0].backendRefs[0]";

describe("a Hostname backend", () => {
  test.each([
    ["that no entry defines", [route(OPENAI)], [`error absence HTTPRoute ${AT}.name`]],
    [
      "at a port that is not declared",
      [route("name: api.openai.com, port: 80"), entry("gateways", "api.openai.com")],
      [`error absence HTTPRoute ${AT}.port`],
    ],
    [
      "that is hidden from the gateway",
      [route(OPENAI), entry("team-a", "api.openai.com", ", exportTo: ['.']")],
      [`error absence HTTPRoute ${AT}.name`],
    ],
    [
      "in other letters",
      [route("name: API.openai.com, port: 443"), entry("gateways", "api.openai.com")],
      [`error absence HTTPRoute ${AT}.name`],
    ],
    [
      "with a trailing dot",
      [route("name: api.openai.com., port: 443"), entry("gateways", "api.openai.com")],
      [`error absence HTTPRoute ${AT}.name`],
    ],
  ])("%s is reported", (_, documents, expected) => {
    expect(brief(findingsOf(rule, ...documents))).toEqual(expected);
  });

  test.each([
    [
      "an entry of the gateway's namespace, though the route is elsewhere",
      [route(OPENAI), entry("gateways", "api.openai.com", ", exportTo: ['.']")],
    ],
    [
      "an entry exported to the gateway's namespace",
      [route(OPENAI), entry("apps", "api.openai.com", ", exportTo: [gateways]")],
    ],
    ["a wildcard entry", [route(OPENAI), entry("gateways", "*.openai.com")]],
    [
      "one of two entries that has the port",
      [
        route("name: api.openai.com, port: 80"),
        entry("gateways", "api.openai.com"),
        entry("other", "api.openai.com").replace("number: 443", "number: 80"),
      ],
    ],
    ["a Service's name", [route("name: echo.tools.svc.cluster.local, port: 80")]],
    ["no port, which another rule reports", [route("name: api.openai.com"), entry("gateways", "api.openai.com")]],
    ["no traffic", [route(`${OPENAI}, weight: 0`)]],
    [
      "a mesh parent, whose callers may see the entry",
      [route(OPENAI, "{group: '', kind: Service, name: s}"), entry("apps", "api.openai.com", ", exportTo: ['.']")],
    ],
  ])("is silent about %s", (_, documents) => {
    expect(findingsOf(rule, ...documents)).toEqual([]);
  });

  test.each([
    [
      [route(OPENAI)],
      "backend `api.openai.com:443` does not resolve: no ServiceEntry defines the host; requests get 500",
      "Create a ServiceEntry in namespace `gateways`",
    ],
    [
      [route("name: https://api.openai.com/v1, port: 443"), entry("gateways", "*.openai.com")],
      "Istio compares names letter by letter",
      "Write the backend's name as `api.openai.com`.",
    ],
    [
      [route("name: api.openai.com, port: 80"), entry("gateways", "api.openai.com")],
      "does not declare the port (it declares 443)",
      "Use a port that is declared (443)",
    ],
    [
      [route(OPENAI), entry("team-a", "api.openai.com", ", exportTo: ['.']")],
      "`team-a/e` is not exported to the gateway's namespace `gateways`",
      "Add `gateways` to `exportTo`",
    ],
  ])("says what is missing and how to mend it (%#)", (documents, message, hint) => {
    const [finding] = findingsOf(rule, ...documents);
    expect(finding?.message).toContain(message);
    expect(finding?.hint).toContain(hint);
  });

  test("is let in at admission with a warning", () => {
    const verdict = applying(rule, route(OPENAI));
    expect([verdict.denied.length, verdict.warned.length]).toEqual([0, 1]);
  });
});
