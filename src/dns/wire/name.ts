/**
 * A domain name for comparing: the labels as they are on the wire (length octet, octets), ASCII folded to lower
 * case, without the root's zero octet, as a latin1 string. The root is "". Octets, not text: a dot inside a label
 * stays different from a dot between labels (RFC 2181 section 11, RFC 4343).
 * A length octet is at most 63 and is never mistaken for a letter.
 */
export type NameKey = string;

/** RFC 1035 section 2.3.4: 255 octets with the root's zero octet. */
export const MAX_NAME_OCTETS = 255;

/** A name without loops needs no more hops than it has labels; 127 labels of one octet fill a name. */
const MAX_POINTERS = 127;

/** Folds ASCII capitals only; other octets are compared as they are. */
export const foldKey = (raw: string): NameKey =>
  /[A-Z]/.test(raw) ? raw.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : raw;

export type ExpandedName = {
  /** As NameKey, with the case that the message has. */
  readonly raw: string;
  /** Offset behind the name, where it stands. */
  readonly end: number;
};

/**
 * Reads a possibly compressed name. Pointers must go strictly backwards, so that reading always ends
 * (RFC 1035 section 4.1.4 speaks of a prior occurrence). Undefined for a name that breaks a limit.
 */
export function expandName(message: Buffer, offset: number): ExpandedName | undefined {
  let raw = "";
  let position = offset;
  let segment = offset;
  let end = -1;
  for (let pointers = 0; ; ) {
    const length = message[position];
    if (length === undefined) return undefined;
    if (length === 0) return { raw, end: end === -1 ? position + 1 : end };
    if (length >= 0xc0) {
      const low = message[position + 1];
      if (low === undefined || ++pointers > MAX_POINTERS) return undefined;
      if (end === -1) end = position + 2;
      const target = ((length & 0x3f) << 8) | low;
      if (target >= segment) return undefined;
      segment = target;
      position = target;
      continue;
    }
    const next = position + 1 + length;
    if (length > 63 || next > message.length) return undefined;
    raw += message.toString("latin1", position, next);
    if (raw.length + 1 > MAX_NAME_OCTETS) return undefined;
    position = next;
  }
}

/** Offset behind the name at `offset`, without reading what a pointer points at; -1 when the message ends before. */
export function skipName(message: Buffer, offset: number): number {
  let position = offset;
  for (;;) {
    const length = message[position];
    if (length === undefined) return -1;
    if (length === 0) return position + 1;
    if (length >= 0xc0) return position + 2 <= message.length ? position + 2 : -1;
    if (length > 63) return -1;
    position += 1 + length;
  }
}

/** The name without its first label; the root's parent is the root. */
export const parentKey = (key: NameKey): NameKey => key.slice(1 + (key.length === 0 ? 0 : key.charCodeAt(0)));

/** Whether `key` is `ancestor` or lies below it, at a label boundary. */
export function isAtOrBelow(key: NameKey, ancestor: NameKey): boolean {
  const above = key.length - ancestor.length;
  let start = 0;
  while (start < above) start += 1 + key.charCodeAt(start);
  return start === above && key.endsWith(ancestor);
}

/** First label of a name that is not the root, without its length octet. */
export const firstLabel = (key: NameKey): string => key.slice(1, 1 + key.charCodeAt(0));

const escapeOctet = (octet: string): string => {
  const code = octet.charCodeAt(0);
  if (code > 0x20 && code < 0x7f) return '."\\();@$'.includes(octet) ? `\\${octet}` : octet;
  return `\\${String(code).padStart(3, "0")}`;
};

/** Labels without anything to escape: nearly all. */
const PLAIN_LABEL = /^[A-Za-z0-9_*-]*$/;

const labelText = (label: string): string => (PLAIN_LABEL.test(label) ? label : [...label].map(escapeOctet).join(""));

/** Presentation form with root dot, as `dig` prints it (RFC 1035 section 5.1 escapes). */
export function nameText(key: string): string {
  if (key === "") return ".";
  let text = "";
  for (let rest = key; rest !== ""; rest = parentKey(rest)) text += `${labelText(firstLabel(rest))}.`;
  return text;
}

/**
 * Reads a presentation form, root dot optional, `\.` and `\DDD` understood; the case is kept. Undefined for an empty
 * label, a label above 63 or a name above 255 octets, or a character outside latin1 (write the A-label instead).
 */
export function parseName(text: string): string | undefined {
  if (text === "." || text === "") return text === "." ? "" : undefined;
  const tokens = [...text.matchAll(/\\\d{3}|\\.|[^\\]|\\$/gsu)].map(([token]) => token);
  if (tokens.at(-1) === ".") tokens.pop();
  const labels = [""];
  for (const token of tokens) {
    const label = labels.length - 1;
    if (token === ".") labels.push("");
    else if (token === "\\") return undefined;
    else if (token.length === 4) labels[label] += String.fromCharCode(Number(token.slice(1)));
    else labels[label] += token.replace(/^\\/, "");
  }
  if (labels.some((label) => label.length === 0 || label.length > 63 || /[^\0-\xff]/.test(label))) return undefined;
  const raw = labels.map((label) => String.fromCharCode(label.length) + label).join("");
  return raw.length + 1 <= MAX_NAME_OCTETS ? raw : undefined;
}
