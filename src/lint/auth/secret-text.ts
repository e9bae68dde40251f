import type { TextRange } from "../../model/place.ts";

/** A credential that is written out. It is never shown: `shown` is what may be said of it. */
export type SecretText = TextRange & { readonly shown: string };

type Shape = { readonly what: string; readonly prefix: string; readonly pattern: RegExp };

const shape = (what: string, prefix: string, rest: string): Shape => ({
  what,
  prefix,
  pattern: new RegExp(`(?<![A-Za-z0-9])${prefix}${rest}`, "g"),
});

/** Keys that give themselves away. The repetition at the end of each has an upper bound, so that no text is slow. */
const SHAPES: readonly Shape[] = [
  shape("API key", "sk-", "[A-Za-z0-9_-]{20,200}"),
  shape("Stripe key", "[rs]k_(?:live|test)_", "[A-Za-z0-9]{16,200}"),
  shape("AWS access key", "(?:AKIA|ASIA)", "[A-Z0-9]{16}(?![A-Za-z0-9])"),
  shape("Google API key", "AIza", "[A-Za-z0-9_-]{35}"),
  shape("GitHub token", "(?:gh[opsru]_|github_pat_)", "[A-Za-z0-9_]{30,200}"),
  shape("GitLab token", "glpat-", "[A-Za-z0-9_-]{20,100}"),
  shape("Slack token", "xox[abeprs]-", "[A-Za-z0-9-]{10,200}"),
  shape("Hugging Face token", "hf_", "[A-Za-z0-9]{30,100}"),
  shape("Groq key", "gsk_", "[A-Za-z0-9]{30,100}"),
  shape("npm token", "npm_", "[A-Za-z0-9]{36}"),
  shape("Vault token", "hv[sb]\\.", "[A-Za-z0-9_-]{20,300}"),
  shape("JWT", "eyJ", "[A-Za-z0-9_-]{8,256}\\.eyJ[A-Za-z0-9_-]{4,4000}"),
  shape("private key", "-----BEGIN (?:[A-Z]{1,12} ){0,3}PRIVATE KEY-----", ""),
];

/** Text that only stands for a credential. */
const PLACEHOLDER =
  /[<>{}$%*…]|x{4,}|0{6,}|\.{3}|(?:^|[^a-z])(?:your|my|example|sample|placeholder|change|changeme|replace|redacted|dummy|fake|todo|insert|here|not|none|null|demo)(?:[^a-z]|$)/i;

/** Bits a character, of the characters as they occur. Words have about 3, random text above 3.5 at these lengths. */
function entropyOf(text: string): number {
  const counts = [...Map.groupBy(text, (character) => character).values()].map((same) => same.length / text.length);
  return counts.reduce((sum, share) => sum - share * Math.log2(share), 0);
}

/** Different characters that a key of a known shape has behind its prefix: fewer is filling. */
const MIN_VARIETY = 8;

/** `egress-gateway-v2`: names are made of words and small numbers. */
const isName = (text: string): boolean =>
  text.split(/[-_.:/]/).every((part) => /^(?:[a-z]*|[A-Z]*|v?\d{1,4})$/.test(part));

const looksFilled = (text: string): boolean =>
  PLACEHOLDER.test(text) || isName(text) || new Set(text).size < MIN_VARIETY;

const count = (length: number): string => `${length} characters`;

/** Longer texts are looked at up to here. */
const MAX_LENGTH = 65_536;

/** What is in every text that holds a key: most texts have none of it, and are looked at once. */
const ANY_PREFIX = new RegExp(SHAPES.map(({ prefix }) => prefix).join("|"));

/** The first key of a known shape in a text. */
export function knownSecret(text: string): SecretText | undefined {
  const searched = text.length > MAX_LENGTH ? text.slice(0, MAX_LENGTH) : text;
  if (!ANY_PREFIX.test(searched)) return undefined;
  for (const { what, prefix, pattern } of SHAPES) {
    for (const match of searched.matchAll(pattern)) {
      const head = new RegExp(`^${prefix}`).exec(match[0])?.[0] ?? "";
      if (what !== "private key" && looksFilled(match[0].slice(head.length))) continue;
      const shown = what === "private key" ? "a private key" : `\`${head}…\`, a ${what} of ${count(match[0].length)}`;
      return {
        start: match.index,
        end: match.index + match[0].length,
        shown: shown.replace("a API", "an API").replace("a AWS", "an AWS").replace("a npm", "an npm"),
      };
    }
  }
  return undefined;
}

const SCHEME = /^(?:(?:bearer|basic|token|apikey|api-key|key|bot)[ =:]\s*)/i;
/** Shorter texts in a credential's place are names, switches and the like. */
const MIN_SECRET = 12;
const MIN_ENTROPY = 2.8;

/** The credential that the whole of a text is, where a credential is expected: random text behind its scheme. */
export function secretValue(text: string): SecretText | undefined {
  const known = knownSecret(text);
  if (known !== undefined) return known;
  const trimmed = text.trim();
  const scheme = SCHEME.exec(trimmed)?.[0] ?? "";
  const secret = trimmed.slice(scheme.length);
  if (secret.length < MIN_SECRET || !/^[\x21-\x7e]+$/.test(secret) || PLACEHOLDER.test(secret) || isName(secret))
    return undefined;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(secret)).length;
  if (kinds < 2 || !/\d|[a-z][A-Z]{2}/.test(secret) || entropyOf(secret) < MIN_ENTROPY) return undefined;
  const start = text.indexOf(secret);
  return { start, end: start + secret.length, shown: `a constant of ${count(secret.length)}` };
}

const URL_PASSWORD = /:\/\/[^/?#@\s:]{1,200}:([^/?#@\s]{4,500})@/;
const URL_PARAMETER = /[?&](?:api[-_]?key|key|token|access[-_]?token|auth[-_]?token|secret|password)=([^&#\s]{1,500})/i;

/** A credential that stands in a URL: as a password, or as a parameter. */
export function secretInUrl(text: string): SecretText | undefined {
  const known = knownSecret(text);
  if (known !== undefined) return known;
  const [, password] = URL_PASSWORD.exec(text) ?? [];
  if (password !== undefined && !PLACEHOLDER.test(password)) {
    const start = text.indexOf(`:${password}@`) + 1;
    return { start, end: start + password.length, shown: `a password of ${count(password.length)}` };
  }
  const [, parameter] = URL_PARAMETER.exec(text) ?? [];
  const found = parameter === undefined ? undefined : secretValue(parameter);
  if (found === undefined || parameter === undefined) return undefined;
  const start = text.indexOf(`=${parameter}`) + 1 + found.start;
  return { ...found, start, end: start + (found.end - found.start) };
}
