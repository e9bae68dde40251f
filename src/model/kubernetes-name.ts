/** A rule of names: what is wrong with a text, in words; undefined when it may be used. */
export type NameRule = (text: string) => string | undefined;

/** Lengths in characters. SOURCE: apimachinery, pkg/util/validation/validation.go. */
const MAX_LABEL = 63;
const MAX_SUBDOMAIN = 253;

const LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z](?:[-a-z0-9]*[a-z0-9])?$/;
const NAME_PART = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)$/;

const tooLong = (text: string, limit: number): string | undefined =>
  text.length > limit ? `must have at most ${limit} characters, and has ${text.length}` : undefined;

/** A DNS label: `my-name`. */
export const dnsLabelProblem: NameRule = (text) =>
  tooLong(text, MAX_LABEL) ??
  (LABEL.test(text)
    ? undefined
    : "may hold lower case letters, digits and `-` only, and must begin and end with a letter or digit");

/** A DNS label as RFC 1035 has it, which begins with a letter; names of Services. */
export const dns1035LabelProblem: NameRule = (text) =>
  tooLong(text, MAX_LABEL) ??
  (LABEL_1035.test(text)
    ? undefined
    : "may hold lower case letters, digits and `-` only, and must begin with a letter and end with a letter or digit");

/** A DNS name: `my-name.example`; names of most objects. */
export const dnsSubdomainProblem: NameRule = (text) =>
  tooLong(text, MAX_SUBDOMAIN) ??
  (text.split(".").every((label) => LABEL.test(label))
    ? undefined
    : "may hold lower case letters, digits, `-` and `.` only, and each part must begin and end with a letter or digit");

/** The same for the beginning of a name that is completed, which may end with `-`. */
export const prefixRule =
  (rule: NameRule): NameRule =>
  (text) =>
    rule(text.endsWith("-") ? `${text.slice(0, -1)}a` : text);

/** A key of labels and annotations: `example.com/name` or `name`. */
export const qualifiedNameProblem: NameRule = (text) => {
  const slash = text.indexOf("/");
  const [prefix, name] = slash < 0 ? [undefined, text] : [text.slice(0, slash), text.slice(slash + 1)];
  if (prefix !== undefined) {
    const problem = dnsSubdomainProblem(prefix);
    if (problem !== undefined) return `must begin with a DNS name before its \`/\`, which ${problem}`;
  }
  const long = tooLong(name, MAX_LABEL);
  if (long !== undefined) return prefix === undefined ? long : `after its \`/\` it ${long}`;
  return NAME_PART.test(name)
    ? undefined
    : "may hold letters, digits, `-`, `_` and `.` only, begins and ends with a letter or digit, and has at most one `/`";
};

/** The value of a label; may be empty. */
export const labelValueProblem: NameRule = (text) =>
  tooLong(text, MAX_LABEL) ??
  (text === "" || NAME_PART.test(text)
    ? undefined
    : "may hold letters, digits, `-`, `_` and `.` only, and must begin and end with a letter or digit");

/** A name that may hold anything but what a path cannot: names of RBAC's objects. */
export const pathSegmentProblem: NameRule = (text) =>
  text === "." || text === ".." || /[/%]/.test(text) ? "may not be `.` or `..`, nor hold `/` or `%`" : undefined;
