import { describe, expect, test } from "vitest";
import type { Kind } from "../../../src/model/kinds.ts";
import {
  type ClusterObjects,
  type ReadProgress,
  readClusterObjects,
} from "../../../src/sources/cluster/read-objects.ts";
import type { ApiResponse, RequestExtras } from "../../../src/sources/cluster/transport.ts";

type Asked = { readonly method: string; readonly path: string; readonly query: Readonly<Record<string, string>> };
type Answer = (asked: Asked) => { readonly status: number; readonly body: unknown };

const item = (name: string, namespace = "a") => ({ metadata: { name, namespace }, spec: {} });
const list = (items: readonly unknown[], next = "") => ({
  status: 200,
  body: { metadata: { resourceVersion: "7", continue: next }, items },
});

/** Reads kinds from an API server that answers as the function says. */
async function read(kinds: readonly Kind[], answer: Answer, namespaces: readonly string[] = []) {
  const asked: Asked[] = [];
  const progress: ReadProgress[] = [];
  const transport = {
    request: async (method: string, path: string, extras: RequestExtras = {}): Promise<ApiResponse> => {
      const request = { method, path, query: extras.query ?? {} };
      asked.push(request);
      return { ...answer(request), retryAfterSeconds: undefined };
    },
  };
  const { signal } = new AbortController();
  const onProgress = (step: ReadProgress): void => void progress.push(step);
  const found: ClusterObjects = await readClusterObjects({ transport, kinds, namespaces, signal, onProgress });
  return { found, asked, progress, names: found.objects.map(({ ref }) => `${ref.kind} ${ref.namespace}/${ref.name}`) };
}

describe("a cluster that is read once", () => {
  test("is asked with GET alone, page by page", async () => {
    const { names, asked } = await read(["Service"], ({ query }) =>
      query["continue"] === undefined ? list([item("x")], "more") : list([item("y")]),
    );
    expect(names).toEqual(["Service a/x", "Service a/y"]);
    expect(asked).toEqual([
      { method: "GET", path: "/api/v1/services", query: { limit: "500" } },
      { method: "GET", path: "/api/v1/services", query: { limit: "500", continue: "more" } },
    ]);
  });

  test("is asked for the wanted namespaces, and for kinds that live in none", async () => {
    const { asked } = await read(["Namespace", "HTTPRoute"], () => list([]), ["a", "b"]);
    expect(asked.map(({ path }) => path)).toEqual([
      "/api/v1/namespaces",
      "/apis/gateway.networking.k8s.io/v1/namespaces/a/httproutes",
      "/apis/gateway.networking.k8s.io/v1/namespaces/b/httproutes",
    ]);
  });

  test("may lack a kind in all versions, which is asked for once", async () => {
    const { found, asked } = await read(["ServiceEntry"], () => ({ status: 404, body: {} }), ["a", "b"]);
    expect(found).toEqual({ objects: [], absent: ["ServiceEntry"], unread: [] });
    expect(asked.map(({ path }) => path.split("/")[3])).toEqual(["v1", "v1beta1", "v1alpha3"]);
  });

  test("is read in an older version where it has no newer one", async () => {
    const { names } = await read(["ReferenceGrant"], ({ path }) =>
      path.includes("/v1beta1/") ? list([item("x")]) : { status: 404, body: {} },
    );
    expect(names).toEqual(["ReferenceGrant a/x"]);
  });

  test("names what may not be listed and what failed, and goes on", async () => {
    const { found, names } = await read(["Gateway", "HTTPRoute", "Service"], ({ path }) => {
      if (path.endsWith("gateways")) return { status: 403, body: { message: "no" } };
      return path.endsWith("httproutes") ? { status: 500, body: { message: "broken" } } : list([item("x")]);
    });
    expect(names).toEqual(["Service a/x"]);
    expect(found.unread).toEqual([
      {
        kind: "Gateway",
        reason: "no",
        rule: '{apiGroups: ["gateway.networking.k8s.io"], resources: ["gateways"], verbs: ["list"]}',
      },
      { kind: "HTTPRoute", reason: "broken (HTTP 500)" },
    ]);
  });

  test("is left alone when a list does not end", async () => {
    const page = Array.from({ length: 50_000 }, (_, index) => item(`p${index}`));
    const { found, asked } = await read(["Pod"], () => list(page, "more"));
    expect(found.unread).toEqual([{ kind: "Pod", reason: "more than 200000 objects" }]);
    expect(asked).toHaveLength(5);
  });

  test("tells how far it is", async () => {
    const { progress } = await read(["Gateway", "Service"], () => list([item("x")]));
    expect(progress).toEqual([
      { kind: "Gateway", done: 0, of: 2, objects: 0 },
      { kind: "Service", done: 1, of: 2, objects: 1 },
    ]);
  });
});
