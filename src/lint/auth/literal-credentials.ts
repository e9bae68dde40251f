import { type FieldPath, formatPath } from "../../model/field-path.ts";
import type { Kind, Kinds } from "../../model/kinds.ts";
import type { TextRange } from "../../model/place.ts";
import { celSites, EXPRESSION_KINDS, type ExpressionKind } from "../expressions/expression-sites.ts";
import { type LiteralField, literalFields } from "./literal-fields.ts";
import { knownSecret, type SecretText, secretInUrl, secretValue } from "./secret-text.ts";

/** Kinds whose fields may hold a credential in clear. */
export const CREDENTIAL_KINDS = [
  "AuthPolicy",
  "RateLimitPolicy",
  "TokenRateLimitPolicy",
  "PlanPolicy",
  "TelemetryPolicy",
  "HTTPRoute",
  "GRPCRoute",
  "VirtualService",
] as const satisfies readonly Kind[];

type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

/** A credential that is written into an object. */
export type LiteralCredential = {
  readonly path: FieldPath;
  /** Where it stands in the string at `path`: in an expression the whole constant, quotes included. */
  readonly range: TextRange;
  /** The credential itself. Never shown. */
  readonly text: string;
  /** What may be said of it. */
  readonly shown: string;
};

const READERS: Readonly<Record<LiteralField["use"], (text: string) => SecretText | undefined>> = {
  credential: secretValue,
  url: secretInUrl,
  any: knownSecret,
};

const hasCredentials = (object: Kinds[Kind]): object is Kinds[CredentialKind] =>
  CREDENTIAL_KINDS.some((kind) => kind === object.kind);

const hasExpressions = (object: Kinds[Kind]): object is Kinds[ExpressionKind] =>
  EXPRESSION_KINDS.some((kind) => kind === object.kind);

/** Objects are immutable: each is looked through once. */
const found = new WeakMap<Kinds[Kind], readonly LiteralCredential[]>();

/**
 * Every credential that an object holds in clear, whatever rules are on and whatever it is exempt from: nobody who
 * prints a line or a sentence of the object may print these.
 */
export function literalCredentials(object: Kinds[Kind]): readonly LiteralCredential[] {
  if (!hasCredentials(object)) return [];
  const known = found.get(object);
  if (known !== undefined) return known;
  const trees = hasExpressions(object)
    ? new Map(celSites(object).map(({ path, tree }) => [formatPath(path), tree]))
    : undefined;
  const fields = literalFields(object.spec, (path) => trees?.get(formatPath(path)));
  const credentials = fields.flatMap(credentialIn);
  found.set(object, credentials);
  return credentials;
}

function credentialIn({ path, text, use, range }: LiteralField): readonly LiteralCredential[] {
  const secret = READERS[use](text);
  if (secret === undefined) return [];
  const { start, end, shown } = secret;
  // In an expression the text is escaped, so that the whole constant is meant.
  return [{ path, range: range ?? { start, end }, text: text.slice(start, end), shown }];
}
