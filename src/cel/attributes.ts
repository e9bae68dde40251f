import type { StaticType } from "./static-type.ts";

/**
 * Where an expression is evaluated.
 * - `wasm`: in the gateway (wasm-shim): counters, `when` of rate limits, an AuthPolicy's own `when`, telemetry labels.
 * - `operator`: by the operator's validator, before the gateway sees a `when`.
 * - `authorino`: CEL below an AuthPolicy's `rules`.
 * - `selector`: gjson selectors below an AuthPolicy's `rules`.
 */
export type Engine = "wasm" | "operator" | "authorino" | "selector";

/**
 * Whether an engine has an attribute.
 * - `available`: with the type that it certainly has.
 * - `absent`: it is certain that it can never be read.
 * - `unknown`: it is not among the documented attributes; a custom set-up may have it.
 * `instead` is the attribute that holds what the reader most likely wants.
 */
export type Availability =
  | { readonly status: "available"; readonly type: StaticType }
  | { readonly status: "absent"; readonly instead?: string }
  | { readonly status: "unknown"; readonly instead?: string };

const TYPES: Readonly<Record<string, StaticType>> = {
  S: "string",
  I: "number",
  T: "timestamp",
  M: "map",
  L: "list",
  Y: "bytes",
  G: "message",
  "?": "unknown",
};

/**
 * path, wasm, authorino, selector. Letters are types (G: a whole structure, ?: any); `-` certainly absent, `0` declared
 * but never filled, which is only known from reading the source and so counts as unknown. `*` is any one name and all
 * below it. Read from wasm-shim af0f9b4 (`data/cel.rs`), kuadrant-operator ae698811 (`internal/wasm/action_spec.go`,
 * the fields of its CheckRequest) and authorino 58fecc6c (`pkg/service/auth_pipeline.go`, `pkg/expressions/cel`).
 */
const ROWS = `
request G G ?
request.method S S S
request.scheme S S S
request.protocol S S S
request.host S S S
request.path S S S
request.url_path S S S
request.query S S S
request.headers M M M
request.headers.* S S S
request.referer S S S
request.useragent S - -
request.user_agent - S S
request.id S 0 0
request.time T G ?
request.time.* ? ? ?
request.size I - -
request.body 0 - -
request.raw_body 0 - -
request.grpc G G ?
request.grpc.service S S S
request.grpc.method S S S
request.context_extensions - M M
request.context_extensions.* - S S
request.auth - 0 0
source G G ?
source.address S S S
source.remote_address S - -
source.ip - 0 0
source.port I I I
source.principal S - -
source.certificate S - -
source.service S - -
source.labels - - -
destination G G ?
destination.address S S S
destination.port I I I
destination.principal S 0 0
destination.certificate S 0 0
destination.service S 0 0
destination.labels - 0 0
metadata ? ? ?
metadata.* 0 ? ?
auth M M M
auth.identity M ? ?
auth.identity.user ? G ?
auth.identity.user.username ? S S
auth.identity.user.uid ? S S
auth.identity.user.groups ? L L
auth.identity.user.extra ? M M
auth.identity.metadata ? G ?
auth.identity.metadata.name ? S S
auth.identity.metadata.namespace ? S S
auth.identity.metadata.annotations ? M M
auth.identity.metadata.annotations.* ? S S
auth.identity.metadata.labels ? M M
auth.identity.metadata.labels.* ? S S
auth.* ? ? ?
context - - ?
context.* - - ?
client - - -
req - - -
connection - - -
ratelimit - - -
filter_state - - -
response - - -
xds - - -
`;

type Row = { readonly wasm: string; readonly authorino: string; readonly selector: string };

const TABLE: ReadonlyMap<string, Row> = new Map(
  ROWS.trim()
    .split("\n")
    .map((line) => {
      const [path = "", wasm = "?", authorino = "?", selector = "?"] = line.split(" ");
      return [path, { wasm, authorino, selector }] as const;
    }),
);

/** Names that CEL itself has; they stand for types and read no attribute. */
const TYPE_NAMES = new Set("bool int uint double string bytes list map null_type type google".split(" "));

/**
 * The roots that are bound as variables. The table names roots that wasm-shim never binds (v0.8.0 to HEAD; observed for
 * connection, ratelimit, filter_state, response and xds). The operator's validator knows `auth` only where an AuthPolicy
 * is effective.
 */
const ROOTS: Readonly<Record<Engine, readonly string[]>> = {
  wasm: ["request", "source", "destination", "metadata", "auth"],
  operator: ["request", "source", "destination", "connection", "ratelimit", "auth"],
  authorino: ["request", "source", "destination", "auth", "metadata"],
  selector: ["request", "source", "destination", "auth", "metadata", "context"],
};

/** The longest row that covers a path: the path itself, a row with `*`, or an ancestor that is absent as a whole. */
function rowOf(names: readonly string[], column: keyof Row): string | undefined {
  for (let length = names.length; length > 0; length--) {
    const exact = TABLE.get(names.slice(0, length).join("."))?.[column];
    if (exact !== undefined && (length === names.length || exact === "-")) return exact;
    const wild = length > 1 ? TABLE.get([...names.slice(0, length - 1), "*"].join("."))?.[column] : undefined;
    if (wild !== undefined) return length === names.length || wild === "-" || wild === "0" ? wild : "?";
  }
  return undefined;
}

/**
 * Whether an engine has the attribute that these names spell. Below a text or a number there is nothing, but that is
 * not reported here: the answer is `unknown`.
 */
export function availability(engine: Engine, names: readonly string[]): Availability {
  const [root = ""] = names;
  if (TYPE_NAMES.has(root)) return { status: "available", type: "unknown" };
  const instead = alternative(engine, names);
  const hinted = instead === undefined ? {} : { instead };
  if (engine === "operator") {
    return ROOTS.operator.includes(root) ? { status: "available", type: "unknown" } : { status: "absent", ...hinted };
  }
  const code = rowOf(names, engine);
  // The gateway also binds what extensions store under names of their own; Authorino knows its variables only.
  if (!ROOTS[engine].includes(root) && engine !== "wasm") return { status: "absent", ...hinted };
  if (code === "-") return { status: "absent", ...hinted };
  if (code === undefined || code === "0") return { status: "unknown", ...hinted };
  return { status: "available", type: TYPES[code] ?? "unknown" };
}

/** Spellings that people bring along, by engine. The first that fits counts, so that longer ones come before shorter. */
const ALIASES: readonly (readonly [from: string, to: string, engines: string])[] = [
  ["request.user_agent", "request.useragent", "wasm"],
  ["request.useragent", "request.user_agent", "authorino selector"],
  ["request.userAgent", "request.useragent", "wasm"],
  ["request.userAgent", "request.user_agent", "authorino selector"],
  ["request.body", "requestBodyJSON('/…')", "wasm"],
  ["request.raw_body", "requestBodyJSON('/…')", "wasm"],
  ["request.auth", "auth.identity", "wasm authorino selector"],
  ["request.uri", "request.path", "wasm authorino selector"],
  ["request.url", "request.path", "wasm authorino selector"],
  ["request.header", "request.headers", "wasm authorino selector"],
  ["source.ip", "source.remote_address", "wasm"],
  ["client.ip", "source.remote_address", "wasm"],
  ["source.remote_address", "source.address.split(':')[0]", "authorino"],
  ["source.ip", "source.address.split(':')[0]", "authorino"],
  ["client.ip", "source.address.split(':')[0]", "authorino"],
  ["source.remote_address", "source.address", "selector"],
  ["source.ip", "source.address", "selector"],
  ["client.ip", "source.address", "selector"],
  ["client", "source", "wasm authorino selector"],
  ["req", "request", "wasm authorino selector"],
  ["context.request.http", "request", "wasm authorino"],
  ["context.source.address.Address.SocketAddress.address", "source.remote_address", "wasm"],
  ["headers", "request.headers", "wasm authorino selector"],
  ["method", "request.method", "wasm authorino selector"],
  ["path", "request.path", "wasm authorino selector"],
  ["host", "request.host", "wasm authorino selector"],
  ["identity", "auth.identity", "wasm authorino selector"],
  ["user", "auth.identity.user", "authorino selector"],
  ["username", "auth.identity.user.username", "authorino selector"],
  ["username", "auth.identity.username", "wasm"],
];

/** Spellings of ALIASES that mean the very same value: the engine only has another name for it. */
const SAME_VALUE = new Set([
  "request.user_agent",
  "request.useragent",
  "request.userAgent",
  "request.header",
  "req",
  "source.ip",
  "client.ip",
  "source.remote_address",
  "context.request.http",
  "context.source.address.Address.SocketAddress.address",
]);

const SAME = ALIASES.filter(([from]) => SAME_VALUE.has(from));
const SAME_SELECTED = SAME.filter(([from]) => !/^(?:source|client)/.test(from));

/**
 * The engine's own spelling of an attribute that it has under another name only; undefined where another value would be
 * read. Selectors cannot cut an address, so that theirs has the port.
 */
export function sameAttribute(engine: Engine, names: readonly string[]): string | undefined {
  // A position, or a name that is not written as it is, has another spelling.
  if (names.some((name) => /^\d+$|['\\]/.test(name))) return undefined;
  return alternative(engine, names, engine === "selector" ? SAME_SELECTED : SAME);
}

/** The attribute to use instead, with what follows the part that was misspelt. */
function alternative(engine: Engine, names: readonly string[], aliases = ALIASES): string | undefined {
  for (const alias of aliases) {
    // Most names begin with another word, which is told without taking the alias apart.
    if (!alias[0].startsWith(names[0] ?? "")) continue;
    const [from, to, engines] = alias;
    const parts = from.split(".");
    if (!engines.split(" ").includes(engine) || parts.some((part, position) => names[position] !== part)) continue;
    const rest = names.slice(parts.length);
    if (rest.length > 0 && (to.endsWith(")") || to.endsWith("]"))) continue;
    const spelt = rest.map((name) => (/^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `['${name}']`)).join("");
    return `${to}${spelt}`;
  }
  return undefined;
}
