import { describe, expect, test } from "vitest";
import { previewInjection, previewNotices } from "../../src/inject/preview.ts";
import { formatPath } from "../../src/model/field-path.ts";
import { CONFIG, inputWith, PROFILE } from "./inputs.ts";

const POD_SPEC = { containers: [{ name: "app" }], dnsPolicy: "Default" };
const template = { metadata: { labels: { app: "web" } }, spec: POD_SPEC };

const WORKLOADS: readonly [string, string, object, string][] = [
  ["apps/v1", "Deployment", { template }, "spec.template.spec.dnsPolicy"],
  ["apps/v1", "StatefulSet", { template }, "spec.template.spec.dnsPolicy"],
  ["apps/v1", "DaemonSet", { template }, "spec.template.spec.dnsPolicy"],
  ["apps/v1", "ReplicaSet", { template }, "spec.template.spec.dnsPolicy"],
  ["batch/v1", "Job", { template }, "spec.template.spec.dnsPolicy"],
  ["batch/v1", "CronJob", { jobTemplate: { spec: { template } } }, "spec.jobTemplate.spec.template.spec.dnsPolicy"],
  ["v1", "ReplicationController", { template }, "spec.template.spec.dnsPolicy"],
];

describe("row 70: a workload", () => {
  test.each(WORKLOADS)("%s %s is judged by its template", (apiVersion, kind, spec, path) => {
    const preview = previewInjection({ apiVersion, kind, metadata: { name: "web" }, spec }, inputWith());
    expect(preview?.source).toMatchObject({ from: "template", label: `${kind} web` });
    expect(preview?.decision).toMatchObject({ action: "skip", reason: "dns-policy-default" });
    expect(preview && previewNotices(preview).map((notice) => formatPath(notice.path))).toEqual([path]);
  });

  test("is told about its namespace as such", () => {
    const object = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec: { template } };
    const namespace = { name: "cert-manager", labels: { "sluice.dev/egress": "enabled" } };
    const preview = previewInjection(object, { ...inputWith(), namespace });
    expect(preview && previewNotices(preview).map(({ path }) => formatPath(path))).toEqual(["metadata.namespace"]);
  });

  test("has pods with a generateName", () => {
    const preview = previewInjection(
      { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec: { template: { spec: {} } } },
      inputWith(),
    );
    expect(preview?.source.pod).toMatchObject({ metadata: { generateName: "web-" } });
    expect(preview?.patch.at(-1)).toEqual({ op: "add", path: "/spec/dnsConfig", value: CONFIG });
  });

  test.each([{}, { template: null }, { template: { spec: 7 } }])("without a template is malformed: %o", (spec) => {
    const preview = previewInjection(
      { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec },
      inputWith(),
    );
    expect(preview?.decision).toMatchObject({ action: "skip", reason: "malformed-pod" });
  });
});

describe("other objects", () => {
  test.each([
    ["another kind", { apiVersion: "v1", kind: "Service" }],
    ["a kind of another group", { apiVersion: "example.org/v1", kind: "Deployment" }],
    ["nothing", null],
    ["a list", []],
  ])("are no workload: %s", (_, object) => expect(previewInjection(object, inputWith())).toBeUndefined());

  test("a pod is itself", () => {
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { generateName: "web-" }, spec: {} };
    const preview = previewInjection(pod, { ...inputWith(), profile: PROFILE });
    expect(preview).toMatchObject({ source: { from: "pod", pod, label: "Pod web-*" }, decision: { action: "inject" } });
    expect(preview && previewNotices(preview)).toEqual([]);
  });
});
