/** Classes of RE2 that have a spelling without backslash: outside of brackets, and inside. */
const CLASSES: ReadonlyMap<string, readonly [outside: string, inside: string]> = new Map([
  ["d", ["[0-9]", "0-9"]],
  ["D", ["[^0-9]", ""]],
  ["w", ["[0-9A-Za-z_]", "0-9A-Za-z_"]],
  ["W", ["[^0-9A-Za-z_]", ""]],
]);

/** Signs that brackets take the meaning from. */
const SIGNS = new Set([...".+*?()|{}$[/-"]);

/** What a backslash and the character behind it are without it; undefined when that has no such spelling. */
function plainly(escaped: string, inside: boolean): string | undefined {
  const known = CLASSES.get(escaped);
  if (known !== undefined) return (inside ? known[1] : known[0]) || undefined;
  if (!SIGNS.has(escaped)) return undefined;
  if (escaped === "/" || (escaped === "-" && !inside)) return escaped;
  // Within brackets a dash makes a range, and an opening bracket may begin a named class.
  if (inside) return escaped === "-" || escaped === "[" ? undefined : escaped;
  return `[${escaped}]`;
}

/** A regular expression of RE2 that means the same and has neither backslashes nor quotes; undefined when there is none. */
export function withoutBackslashes(pattern: string): string | undefined {
  let result = "";
  let inside = false;
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern.charAt(index);
    if (character === "'") return undefined;
    if (character === "\\") {
      const plain = plainly(pattern.charAt(++index), inside);
      // A class cannot be the end of a range.
      if (plain === undefined || (inside && plain.length > 1 && (result.endsWith("-") || pattern[index + 1] === "-"))) {
        return undefined;
      }
      result += plain;
      continue;
    }
    // A bracket right behind the opening one stands for itself: too rare to be read here.
    if (inside && character === "]" && (result.endsWith("[") || result.endsWith("[^"))) return undefined;
    if (character === "[") inside = true;
    else if (character === "]") inside = false;
    result += character;
  }
  return inside ? undefined : result;
}
