import { describe, expect, test } from "vitest";
import { availability, type Engine } from "../../src/cel/attributes.ts";
import { hasFunction, nearestFunction } from "../../src/cel/functions.ts";

const ask = (engine: Engine, path: string) => availability(engine, path.split("."));

describe("attributes", () => {
  test.each<readonly [Engine, readonly string[]]>([
    ["wasm", ["request.method", "request.headers.x", "request.useragent", "source.remote_address", "source.address"]],
    ["wasm", ["auth.identity.username", "auth.kuadrant.plan", "metadata", "request.time"]],
    ["authorino", ["request.user_agent", "auth.identity.user.username", "auth.metadata.x.y.z", "request.grpc.service"]],
    ["authorino", ["request.context_extensions.host", "request.time.seconds", "metadata.x"]],
    ["selector", ["context.request.http.headers.x", "auth.identity.user.username", "request.headers.x-team"]],
    ["operator", ["connection.mtls", "ratelimit.domain", "request.anything"]],
  ])("%s has %s", (engine, paths) => {
    for (const path of paths) expect([path, ask(engine, path).status]).toEqual([path, "available"]);
  });

  test.each<readonly [Engine, readonly string[]]>([
    [
      "wasm",
      ["connection.mtls", "ratelimit.domain", "filter_state", "response.code", "context.request", "xds.route_name"],
    ],
    [
      "wasm",
      ["source.labels.app", "destination.labels", "request.context_extensions.host", "request.user_agent", "req.path"],
    ],
    [
      "authorino",
      ["context.request.http", "source.remote_address", "request.useragent", "source.principal", "source.labels.a"],
    ],
    ["authorino", ["request.body", "request.raw_body", "request.size", "connection.mtls", "username"]],
    ["selector", ["source.remote_address", "request.useragent", "connection.id", "username"]],
    ["operator", ["metadata.x", "response.code"]],
  ])("%s certainly lacks %s", (engine, paths) => {
    for (const path of paths) expect([path, ask(engine, path).status]).toEqual([path, "absent"]);
  });

  test.each<readonly [Engine, readonly string[]]>([
    ["wasm", ["request.colour", "source.zone", "stored_by_an_extension", "request.body", "metadata.filter_metadata.x"]],
    ["authorino", ["request.id", "request.colour", "destination.labels.app"]],
  ])("%s may have %s", (engine, paths) => {
    for (const path of paths) expect([path, ask(engine, path).status]).toEqual([path, "unknown"]);
  });

  test.each<readonly [Engine, string, string]>([
    ["wasm", "request.user_agent", "request.useragent"],
    ["authorino", "request.useragent", "request.user_agent"],
    ["wasm", "source.ip", "source.remote_address"],
    ["wasm", "client.ip", "source.remote_address"],
    ["wasm", "req.headers.x-team", "request.headers['x-team']"],
    ["authorino", "context.request.http.path", "request.path"],
    ["authorino", "username", "auth.identity.user.username"],
    ["wasm", "request.auth.sub", "auth.identity.sub"],
    ["authorino", "source.remote_address", "source.address.split(':')[0]"],
  ])("%s: instead of %s use %s", (engine, path, instead) => {
    expect(ask(engine, path)).toMatchObject({ instead });
  });

  test("a name of a type is no attribute", () => {
    expect(ask("authorino", "int").status).toBe("available");
  });

  test("names of object prototypes are ordinary names", () => {
    expect(ask("wasm", "constructor.name").status).toBe("unknown");
    expect(ask("authorino", "__proto__").status).toBe("absent");
  });
});

describe("functions", () => {
  test.each([
    ["lowerAscii", true, true, true],
    ["format", false, true, true],
    ["optional.of", true, false, true],
    ["requestBodyJSON", true, true, false],
    ["existsOne", true, false, false],
    ["optional.unwrap", false, false, true],
    ["queryMap", false, false, false],
    ["math.greatest", false, false, false],
    ["bool", false, true, true],
  ])("%s: gateway %s, operator %s, Authorino %s", (name, wasm, operator, authorino) => {
    expect([hasFunction("wasm", name), hasFunction("operator", name), hasFunction("authorino", name)]).toEqual([
      wasm,
      operator,
      authorino,
    ]);
  });

  test.each([
    ["lowerascii", "lowerAscii"],
    ["toLowerAscii", "lowerAscii"],
    ["startswith", "startsWith"],
    ["completelyDifferent", undefined],
  ])("%s most likely means %s", (name, meant) => {
    expect(nearestFunction("wasm", name)).toBe(meant);
  });
});
