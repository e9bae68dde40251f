import { describe, expect, test } from "vitest";
import { checkText, definition, objectOf, toyDefinition } from "./check-text.ts";

const ANY = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const toy = toyDefinition(ANY);

const withMetadata = (metadata: string): string =>
  `apiVersion: example.com/v1\nkind: Toy\nmetadata: ${metadata}\nspec: {}\n`;

describe("metadata is refused for", () => {
  test.each([
    ["no name", "{namespace: n}", "metadata.name: the object has no name"],
    ["a name with capitals", "{name: Toy}", "metadata.name: `Toy` may hold lower case letters"],
    ["a name that is too long", `{name: ${"a".repeat(254)}}`, "must have at most 253 characters, and has 254"],
    ["a bad beginning of a name", "{generateName: A-}", "metadata.generateName: `A-` may hold"],
    ["a namespace with a dot", "{name: t, namespace: a.b}", "metadata.namespace: `a.b` may hold"],
    [
      "a label that is a number",
      "{name: t, labels: {a: 1}}",
      "metadata.labels.a: must be a string, and is the number `1`",
    ],
    ["a label's value", "{name: t, labels: {a: b c}}", "metadata.labels.a: `b c` may hold"],
    ["a label's key", "{name: t, labels: {a/b/c: d}}", 'metadata.labels["a/b/c"]: the key `a/b/c` may hold'],
    ["an annotation's key", "{name: t, annotations: {-a: d}}", 'metadata.annotations["-a"]: the key `-a` may hold'],
    [
      "an annotation that is a map",
      "{name: t, annotations: {a: {}}}",
      "metadata.annotations.a: must be a string, and is a map",
    ],
    ["an unknown field", "{name: t, label: {}}", "metadata.label: metadata has no field `label`"],
    ["a list of labels", "{name: t, labels: [a]}", "metadata.labels: must be a map of strings, and is a list"],
  ])("%s", (_title, metadata, expected) => {
    const { texts } = checkText([toy], withMetadata(metadata));
    expect(texts).toEqual([expect.stringContaining(expected)]);
  });

  test.each([
    ["dots in a name", "{name: a.b-c}"],
    ["a beginning of a name that ends with a dash", "{generateName: toy-}"],
    ["an empty label", '{name: t, labels: {a.example/b_c: ""}}'],
    [
      "what a server adds",
      "{name: t, uid: x, resourceVersion: '1', generation: 1, creationTimestamp: null, managedFields: []}",
    ],
  ])("nothing with %s", (_title, metadata) => {
    expect(checkText([toy], withMetadata(metadata)).texts).toEqual([]);
  });

  test("kinds of Kubernetes itself too, without any definition", () => {
    const text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a.b, namespace: c}\n";
    expect(checkText([], text).texts).toEqual([
      expect.stringContaining("metadata.name: `a.b` may hold"),
      "metadata.namespace: objects of this kind belong to no namespace",
    ]);
  });
});

describe("versions, kinds and scopes", () => {
  const schema = { openAPIV3Schema: { type: "object", properties: { spec: { type: "object" } } } };
  const both = definition([
    { name: "v1", served: true, schema },
    { name: "v0", served: false, schema },
  ]);

  test.each(["v0", "v2"])("the version %s is not served", (version) => {
    const text = objectOf("spec: {}").replace("example.com/v1", `example.com/${version}`);
    expect(checkText([both], text).findings).toMatchObject([
      {
        text: `apiVersion: the cluster serves no \`example.com/${version}\` of Toy; it serves example.com/v1`,
        place: { line: 1, column: 13 },
      },
    ]);
  });

  test("a kind that looks like one of its group is told, any other is not judged", () => {
    const named = (kind: string) => checkText([both], objectOf("spec: {a: 1}").replace("Toy", kind)).findings;
    expect(named("Tyo")).toMatchObject([]);
    expect(named("Toys")).toMatchObject([
      { text: "kind: the group example.com has no kind `Toys`", hint: "Did you mean `Toy`?" },
    ]);
    expect(named("Elephant")).toEqual([]);
  });

  test("a kind of the whole cluster belongs to no namespace", () => {
    const wide = definition([{ name: "v1", served: true, schema }], { scope: "Cluster" });
    expect(checkText([wide], objectOf("spec: {}")).texts).toEqual([
      "metadata.namespace: objects of this kind belong to no namespace",
    ]);
  });

  test("of two definitions of one kind the later counts", () => {
    const strict = toyDefinition({ type: "object" });
    expect(checkText([strict, toy], objectOf("spec: {a: 1}")).texts).toEqual([]);
    expect(checkText([toy, strict], objectOf("spec: {a: 1}")).texts).toHaveLength(1);
  });
});

describe("status", () => {
  test("is dropped by a server that writes it apart, and so not checked", () => {
    expect(checkText([toy], objectOf("spec: {}\nstatus: {a: 1}")).texts).toEqual([]);
  });

  test("is checked otherwise", () => {
    const root = { type: "object", properties: { spec: ANY, status: { type: "object" } } };
    const whole = definition([{ name: "v1", served: true, schema: { openAPIV3Schema: root } }]);
    expect(checkText([whole], objectOf("spec: {}\nstatus: {a: 1}")).texts).toHaveLength(1);
  });
});
