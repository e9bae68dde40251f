import type { TextRange } from "../../model/place.ts";
import { rangeOfNames, readsBelow } from "../expressions/attribute-reads.ts";
import type { AuthFlow } from "./auth-flow.ts";
import { type ItemRead, itemReads } from "./auth-sites.ts";
import { literalTexts } from "./call-body.ts";
import { type CallSite, type CallUrl, isConstantUrl, literalStart, urlOf } from "./http-calls.ts";

/** A consumer that looks for a secret where this version of the KV engine has none. */
export type MisreadSecret = {
  readonly place: ItemRead;
  readonly range: TextRange;
  /** `deeper`: the path is that of version 2, whose secret is below a second `data`. `flatter`: the reverse. */
  readonly wants: "deeper" | "flatter";
};

/** Members of a KV version 2 answer below `data`. */
const VERSION_2_MEMBERS = new Set(["data", "metadata"]);

/** Vault and OpenBao answer below `/v1/`, to requests with their own token. */
const isVault = ({ http }: CallSite, url: CallUrl): boolean =>
  /^[^/]*:\/\/[^/]+\/v1\//.test(literalStart(url)) &&
  Object.keys(http.headers ?? {}).some((name) => name.toLowerCase() === "x-vault-token");

/** Whether the path is that of KV version 2, `/v1/<mount>/data/…`; undefined when a part of it is computed. */
function isVersion2(url: CallUrl): boolean | undefined {
  const path = literalStart(url).replace(/^[^/]*:\/\/[^/]+\/v1\//, "");
  if (/^[^?]+?\/data(\/|$)/.test(path)) return true;
  return isConstantUrl(url) ? false : undefined;
}

/** Places of a flow that read a lookup's answer as that of the other version. */
export function misreadSecrets(call: CallSite, flow: AuthFlow): readonly MisreadSecret[] {
  const url = urlOf(call);
  if (url === undefined || call.item.phase !== "metadata" || !isVault(call, url)) return [];
  const version2 = isVersion2(url);
  if (version2 === undefined) return [];
  const answer = ["auth", "metadata", call.item.name, "data"];
  return readsOfMetadata(flow, call.item.name).flatMap((place): readonly MisreadSecret[] => {
    const { read } = place;
    const [member, second] = read.names.slice(answer.length);
    if (!readsBelow(read, answer) || member === undefined) return [];
    const depth = answer.length + 1;
    if (version2 && !VERSION_2_MEMBERS.has(member)) {
      return [{ place, range: rangeOfNames(read, depth), wants: "deeper" }];
    }
    if (version2 || member !== "data" || second === undefined) return [];
    return [{ place, range: rangeOfNames(read, depth), wants: "flatter" }];
  });
}

/** Everything is immutable, and every lookup asks: each flow is read once. */
const known = new WeakMap<AuthFlow["items"], ReadonlyMap<string, readonly ItemRead[]>>();

function readsOfMetadata(flow: AuthFlow, name: string): readonly ItemRead[] {
  const sorted =
    known.get(flow.items) ??
    Map.groupBy(
      flow.items.flatMap((item) => itemReads(item, flow)),
      ({ read }) => (read.names[0] === "auth" && read.names[1] === "metadata" ? (read.names[2] ?? "") : ""),
    );
  known.set(flow.items, sorted);
  return sorted.get(name) ?? [];
}

const LOGIN = /\/v1\/auth\/kubernetes\/login\/?(?:\?|$)/;

/** Members that a login at Vault's Kubernetes method needs and that a call certainly does not send. */
export function missingLoginFields(call: CallSite): readonly string[] {
  const url = urlOf(call);
  if (url === undefined || !LOGIN.test(literalStart(url))) return [];
  const { body, bodyParameters } = call.http;
  const needed = ["role", "jwt"];
  if (bodyParameters !== undefined) return needed.filter((name) => !Object.hasOwn(bodyParameters, name));
  if (body === undefined) return needed;
  const text = body.expression === undefined ? constantText(body.value) : literalTexts(body.expression);
  // Without a brace the document is made elsewhere.
  return text?.includes("{") === true ? needed.filter((name) => !text.includes(`"${name}"`)) : [];
}

const constantText = (value: unknown): string | undefined =>
  typeof value === "string" ? value : value === undefined ? undefined : JSON.stringify(value);
