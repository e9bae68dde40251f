import type { Place } from "../../model/place.ts";
import type { Corefile, ServerBlock, ServerKey } from "./corefile.ts";
import type { Report } from "./diagnostic.ts";
import { expandImports, type ImportContext } from "./import-lines.ts";
import { lexCorefile } from "./lex.ts";
import { currentLine, type LineCursor } from "./line-cursor.ts";
import { reportOverlaps } from "./overlaps.ts";
import { readBlock } from "./read-block.ts";
import { parseServerKey } from "./server-key.ts";
import { emptyArgument, isCloseBrace, isOpenBrace, type Token, type TokenLine } from "./token.ts";

export type CorefileInput = ImportContext & { readonly file: string; readonly text: string };

/** Zones of all server blocks together: a CIDR gives up to 128, and each is a list entry in every worker. */
const MAX_KEYS = 10_000;

/**
 * Reads a Corefile as Caddy does, where section 3.1 of the resolver's specification does not say otherwise. Everything
 * that is wrong goes to the report; what can be read is given even then.
 */
export function parseCorefile({ file, text, ...context }: CorefileInput): Corefile {
  const { report, environment } = context;
  const cursor: LineCursor = {
    lines: [...expandImports(lexCorefile({ file, text, environment }, report), context)],
    next: 0,
    endReported: false,
  };
  if (cursor.lines.length === 0 && !report.hasErrors()) {
    const place: Place = { file, line: 1, column: 1, endLine: 1, endColumn: 1 };
    report.error(place, "file is empty: write at least one server block; `sluice dns print-corefile` prints one");
  }
  const servers: ServerBlock[] = [];
  let keys = 0;
  for (let line = currentLine(cursor); line !== undefined; line = currentLine(cursor)) {
    const server = readServer(line, cursor, { report, isFirst: servers.length === 0 });
    if (server === undefined) continue;
    servers.push(server);
    keys += server.keys.length;
    if (keys > MAX_KEYS) {
      report.error(line[0].place, `more than ${MAX_KEYS} zones in all server blocks: use shorter prefixes`);
      return { servers: [] };
    }
  }
  reportOverlaps(servers, report);
  return { servers };
}

function readServer(
  first: TokenLine,
  cursor: LineCursor,
  { report, isFirst }: { readonly report: Report; readonly isFirst: boolean },
): ServerBlock | undefined {
  const [word] = first;
  if (isCloseBrace(word)) {
    cursor.next += 1;
    return report.error(word.place, "unexpected '}': no block is open here");
  }
  const { keys, opened } = readKeys(cursor, report);
  if (!opened && !isFirst) {
    return report.error(word.place, `'${word.text}' starts a server block without '{'`);
  }
  return { keys, directives: readBlock(cursor, { report, owner: opened ? word : undefined, level: "server" }) };
}

type Keys = { readonly keys: readonly ServerKey[]; readonly opened: boolean };

/** Reads the keys of a server block, which go on over line ends as long as each ends in a comma. */
function readKeys(cursor: LineCursor, report: Report): Keys {
  const keys: ServerKey[] = [];
  let comma = true;
  let words = 0;
  for (let line = currentLine(cursor); line !== undefined && comma; line = currentLine(cursor)) {
    cursor.next += 1;
    for (const [index, token] of line.entries()) {
      if (isOpenBrace(token)) {
        reportBrace(line, { index, comma: comma && words > 0, words, report });
        return { keys, opened: true };
      }
      words += 1;
      comma = token.text.endsWith(",") && !token.quoted;
      if (keys.length <= MAX_KEYS)
        keys.push(...readKey(comma ? { ...token, text: token.text.slice(0, -1) } : token, report));
    }
  }
  const lone = currentLine(cursor);
  if (lone === undefined || !isOpenBrace(lone[0])) return { keys, opened: false };
  cursor.next += 1;
  reportBrace(lone, { index: 0, comma: false, words, report });
  return { keys, opened: true };
}

type Brace = { readonly index: number; readonly comma: boolean; readonly words: number; readonly report: Report };

function reportBrace(line: TokenLine, { index, comma, words, report }: Brace): void {
  const { place } = line[index] as Token;
  if (words === 0) report.error(place, "'{' opens a server block that has no zone: write '. {' for all names");
  if (comma) report.error(place, "Expected another address but had '{' - check for extra comma");
  if (index < line.length - 1) {
    report.error(place, "'{' must be the last word of its line: put what follows it on lines of its own");
  }
}

function readKey(token: Token, report: Report): readonly ServerKey[] {
  if (token.text === "") {
    if (token.unset.length > 0) report.error(token.place, emptyArgument(token));
    return [];
  }
  const read = parseServerKey(token);
  if (read.ok) return read.value;
  for (const problem of read.problems) report.error(token.place, problem);
  return [];
}
