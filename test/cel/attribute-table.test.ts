import { expect, test } from "vitest";
import { availability, type Engine, sameAttribute } from "../../src/cel/attributes.ts";

/**
 * What each engine has, for every documented attribute: its type, `any` where it has one that is not certain, `maybe` where
 * a set-up of one's own may fill it, and `absent`. In the order: gateway, Authorino, selectors.
 */
const DOCUMENTED = `
request message message any
request.method string string string
request.scheme string string string
request.protocol string string string
request.host string string string
request.path string string string
request.url_path string string string
request.query string string string
request.headers map map map
request.headers.x string string string
request.referer string string string
request.useragent string absent absent
request.user_agent absent string string
request.id string maybe maybe
request.time timestamp message any
request.time.x any any any
request.size number absent absent
request.body maybe absent absent
request.raw_body maybe absent absent
request.grpc message message any
request.grpc.service string string string
request.grpc.method string string string
request.context_extensions absent map map
request.context_extensions.x absent string string
request.auth absent maybe maybe
source message message any
source.address string string string
source.remote_address string absent absent
source.ip absent maybe maybe
source.port number number number
source.principal string absent absent
source.certificate string absent absent
source.service string absent absent
source.labels absent absent absent
destination message message any
destination.address string string string
destination.port number number number
destination.principal string maybe maybe
destination.certificate string maybe maybe
destination.service string maybe maybe
destination.labels absent maybe maybe
metadata any any any
metadata.x maybe any any
auth map map map
auth.identity map any any
auth.identity.user any message any
auth.identity.user.username any string string
auth.identity.user.uid any string string
auth.identity.user.groups any list list
auth.identity.user.extra any map map
auth.identity.metadata any message any
auth.identity.metadata.name any string string
auth.identity.metadata.namespace any string string
auth.identity.metadata.annotations any map map
auth.identity.metadata.annotations.x any string string
auth.identity.metadata.labels any map map
auth.identity.metadata.labels.x any string string
auth.x any any any
context absent absent any
context.x absent absent any
client absent absent absent
req absent absent absent
connection absent absent absent
ratelimit absent absent absent
filter_state absent absent absent
response absent absent absent
xds absent absent absent
`;

const seen = (engine: Engine, path: string): string => {
  const found = availability(engine, path.split("."));
  if (found.status === "available") return found.type === "unknown" ? "any" : found.type;
  return found.status === "unknown" ? "maybe" : "absent";
};

test.each(
  DOCUMENTED.trim()
    .split("\n")
    .map((line) => line.split(" ")),
)("%s: gateway %s, Authorino %s, selectors %s", (path = "", wasm = "", authorino = "", selector = "") => {
  expect([seen("wasm", path), seen("authorino", path), seen("selector", path)]).toEqual([wasm, authorino, selector]);
});

test.each([
  ["request", "any"],
  ["request.anything", "any"],
  ["source.address", "any"],
  ["destination", "any"],
  ["connection", "any"],
  ["ratelimit", "any"],
  ["auth", "any"],
  ["metadata", "absent"],
  ["context", "absent"],
])("the operator's validator: %s is %s", (path, expected) => {
  expect(seen("operator", path)).toBe(expected);
});

test.each(["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type", "google"])(
  "%s is a type of CEL and reads nothing",
  (name) => {
    expect(availability("authorino", [name])).toEqual({ status: "available", type: "unknown" });
  },
);

test.each<readonly [Engine, string, string]>([
  ["wasm", "request.colour", "maybe"],
  ["wasm", "request.method.length", "maybe"],
  ["wasm", "source.labels.app", "absent"],
  ["wasm", "metadata.filter_metadata.x.y", "maybe"],
  ["wasm", "request.context_extensions.a.b", "absent"],
  ["wasm", "request.headers.a.b", "any"],
  ["wasm", "auth.a.b.c", "any"],
  ["wasm", "", "maybe"],
  ["wasm", "*", "maybe"],
  ["authorino", "", "absent"],
  ["authorino", "auth.identity.user.username.x", "any"],
  ["authorino", "auth.metadata.a.b", "any"],
  ["selector", "context.request.http.path", "any"],
])("%s: %s, which no row names, is %s", (engine, path, expected) => {
  expect(seen(engine, path)).toBe(expected);
});

const ENGINES = ["wasm", "operator", "authorino", "selector"] as const;

/** The attribute that is told instead, for each engine; `-` for none. */
test.each([
  ["request.user_agent", "request.useragent", "-", "-", "-"],
  ["request.useragent", "-", "-", "request.user_agent", "request.user_agent"],
  ["request.userAgent", "request.useragent", "-", "request.user_agent", "request.user_agent"],
  ["request.body", "requestBodyJSON('/…')", "-", "-", "-"],
  ["request.raw_body", "requestBodyJSON('/…')", "-", "-", "-"],
  ["request.auth", "auth.identity", "-", "auth.identity", "auth.identity"],
  ["request.uri", "request.path", "-", "request.path", "request.path"],
  ["request.url", "request.path", "-", "request.path", "request.path"],
  ["request.header", "request.headers", "-", "request.headers", "request.headers"],
  ["source.ip", "source.remote_address", "-", "source.address.split(':')[0]", "source.address"],
  ["client.ip", "source.remote_address", "-", "source.address.split(':')[0]", "source.address"],
  ["client", "source", "-", "source", "source"],
  ["source.remote_address", "-", "-", "source.address.split(':')[0]", "source.address"],
  ["req", "request", "-", "request", "request"],
  ["context.request.http", "request", "-", "request", "-"],
  ["context.source.address.Address.SocketAddress.address", "source.remote_address", "-", "-", "-"],
  ["headers", "request.headers", "-", "request.headers", "request.headers"],
  ["method", "request.method", "-", "request.method", "request.method"],
  ["path", "request.path", "-", "request.path", "request.path"],
  ["host", "request.host", "-", "request.host", "request.host"],
  ["identity", "auth.identity", "-", "auth.identity", "auth.identity"],
  ["user", "-", "-", "auth.identity.user", "auth.identity.user"],
  ["username", "auth.identity.username", "-", "auth.identity.user.username", "auth.identity.user.username"],
  ["constructor", "-", "-", "-", "-"],
  ["request.uri.x", "request.path.x", "-", "request.path.x", "request.path.x"],
  ["req.headers.x-team", "request.headers['x-team']", "-", "request.headers['x-team']", "request.headers['x-team']"],
  ["request.body.model", "-", "-", "-", "-"],
  ["source.ip.x", "source.remote_address.x", "-", "-", "source.address.x"],
])("instead of %s: gateway %s, operator %s, Authorino %s, selectors %s", (path, ...instead) => {
  const found = ENGINES.map((engine) => ({ instead: "-", ...availability(engine, path.split(".")) }).instead);
  expect(found).toEqual(instead);
});

test("where there is nothing instead, nothing is told", () => {
  expect(availability("wasm", ["xds"])).toEqual({ status: "absent" });
  expect(Object.keys(availability("wasm", ["request", "colour"]))).toEqual(["status"]);
});

/** The very same value under the engine's own name. */
test.each([
  ["request.user_agent", "request.useragent", "-", "-"],
  ["request.useragent", "-", "request.user_agent", "request.user_agent"],
  ["request.userAgent", "request.useragent", "request.user_agent", "request.user_agent"],
  ["request.header", "request.headers", "request.headers", "request.headers"],
  ["source.ip", "source.remote_address", "source.address.split(':')[0]", "-"],
  ["client.ip", "source.remote_address", "source.address.split(':')[0]", "-"],
  ["source.remote_address", "-", "source.address.split(':')[0]", "-"],
  ["req", "request", "request", "request"],
  ["context.request.http", "request", "request", "-"],
  ["context.source.address.Address.SocketAddress.address", "source.remote_address", "-", "-"],
  ["source.address", "-", "-", "-"],
  ["request.uri", "-", "-", "-"],
  ["method", "-", "-", "-"],
  ["request.header.x", "request.headers.x", "request.headers.x", "request.headers.x"],
  ["request.header.a1", "request.headers.a1", "request.headers.a1", "request.headers.a1"],
  ["request.header.1a", "request.headers['1a']", "request.headers['1a']", "request.headers['1a']"],
  ["request.header.12", "-", "-", "-"],
  ["request.header.a'b", "-", "-", "-"],
  ["request.header.a\\b", "-", "-", "-"],
  [
    "request.header.a-source",
    "request.headers['a-source']",
    "request.headers['a-source']",
    "request.headers['a-source']",
  ],
])("%s is: gateway %s, Authorino %s, selectors %s", (path, ...same) => {
  const engines = ["wasm", "authorino", "selector"] as const;
  expect(engines.map((engine) => sameAttribute(engine, path.split(".")) ?? "-")).toEqual(same);
});
