/** How names that are no identifiers of CEL are written in it. SOURCE: apiserver, pkg/cel/escaping.go. */
const ESCAPES: Readonly<Record<string, string>> = {
  underscores: "__",
  dot: ".",
  dash: "-",
  slash: "/",
};

/** Words that CEL keeps for itself; as names of fields they stand between double underscores. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    "true false null in as break const continue else for function if import let loop package namespace return " +
    "var void while"
  ).split(" "),
);

/** The field that a name with escapes means: `a__dash__b` is `a-b`. Undefined when the escapes mean nothing. */
export function escapedField(name: string): string | undefined {
  const reserved = /^__([a-z]{1,10})__$/.exec(name)?.[1];
  if (reserved !== undefined && RESERVED.has(reserved)) return reserved;
  const text = name.replace(/__(underscores|dot|dash|slash)__/g, (whole, word: string) => ESCAPES[word] ?? whole);
  return text === name ? undefined : text;
}
