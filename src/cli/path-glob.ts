/**
 * A pattern without the characters that other programs give a meaning, which would silently mean themselves here, and short:
 * each costs up to its length times the path's.
 */
export const GLOB_FORM = { pattern: /^[^[\]{}!\\]{1,256}$/, expects: "a pattern of names, `*`, `?` and `**`" } as const;

/** Whether a text fits a pattern in which `*` stands for any characters and `?` for one. Linear in each `*`. */
export function fitsPattern(text: string, pattern: string): boolean {
  let at = 0;
  let position = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    const wanted = pattern[position];
    if (wanted === "*") {
      star = position++;
      resume = at;
    } else if (wanted === "?" || (wanted !== undefined && wanted === text[at])) {
      at++;
      position++;
    } else if (star === -1) return false;
    else {
      position = star + 1;
      at = ++resume;
    }
  }
  while (pattern[position] === "*") position++;
  return position === pattern.length;
}

/** Which beginnings of the names fit the pattern's parts as a whole: index n is true for the first n names. */
function fittingLengths(names: readonly string[], parts: readonly string[]): readonly boolean[] {
  let row: readonly boolean[] = [true, ...names.map(() => false)];
  for (const part of parts) {
    const before = row;
    const next: boolean[] = [part === "**" && before[0] === true];
    for (const [index, name] of names.entries()) {
      const grows = part === "**" ? next[index] === true || before[index + 1] === true : before[index] === true;
      next.push(grows && (part === "**" || fitsPattern(name, part)));
    }
    row = next;
  }
  return row;
}

/**
 * Whether a path, relative and with `/`, or one of the folders that it is in fits a pattern. `*` and `?` stay inside one
 * name, `**` stands for any number of folders. A pattern without `/` fits a name at any depth; a `/` at its end
 * makes no difference.
 */
export function fitsGlob(path: string, glob: string): boolean {
  const parts = glob
    .replace(/^\.?\//, "")
    .replace(/\/$/, "")
    .split("/");
  const anchored = parts.length === 1 && !glob.startsWith("/") ? ["**", ...parts] : parts;
  return fittingLengths(path.split("/"), anchored).some((fits, length) => fits && length > 0);
}
