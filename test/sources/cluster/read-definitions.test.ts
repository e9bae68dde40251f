import { describe, expect, test } from "vitest";
import { readDefinitions } from "../../../src/sources/cluster/read-definitions.ts";
import type { ApiResponse, Transport } from "../../../src/sources/cluster/transport.ts";

const { signal } = new AbortController();

function serverThatAnswers(answer: Omit<ApiResponse, "retryAfterSeconds">) {
  const asked: string[] = [];
  const transport: Pick<Transport, "request"> = {
    request: async (method, path) => {
      asked.push(`${method} ${path}`);
      return { ...answer, retryAfterSeconds: undefined };
    },
  };
  return { asked, transport };
}

describe("readDefinitions", () => {
  test("lists the definitions once, with kind and version", async () => {
    const items = [{ metadata: { name: "toys.example.com" }, spec: { group: "example.com" } }];
    const { asked, transport } = serverThatAnswers({
      status: 200,
      body: { metadata: { resourceVersion: "1" }, items },
    });
    const read = await readDefinitions(transport, signal);
    expect(asked).toEqual(["GET /apis/apiextensions.k8s.io/v1/customresourcedefinitions"]);
    expect(read).toMatchObject({
      status: "read",
      definitions: [
        { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", spec: { group: "example.com" } },
      ],
    });
  });

  test.each([
    [403, { message: "no" }, "no"],
    [404, {}, "the server serves none"],
    [500, { message: "broken" }, "broken (HTTP 500)"],
    [200, "a page of something else", "the answer is not a Kubernetes list"],
  ])("says why the answer %s is none", async (status, body, reason) => {
    const { transport } = serverThatAnswers({ status, body });
    expect(await readDefinitions(transport, signal)).toEqual({ status: "unread", reason });
  });
});
