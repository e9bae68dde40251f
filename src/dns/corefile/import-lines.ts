import { basename, dirname, isAbsolute, join } from "node:path";
import type { CorefileFiles } from "./corefile-files.ts";
import type { Report } from "./diagnostic.ts";
import type { Environment } from "./environment.ts";
import { lexCorefile } from "./lex.ts";
import { braceBalance, isCloseBrace, isOpenBrace, type Token, type TokenLine } from "./token.ts";

/** Caddy's own limit on expansions (caddyfile/parse.go, maxSnippetExpansions and maxFileExpansions). */
const MAX_EXPANSIONS = 10_000;

/** Imports inside imports. Real ones reach 3; the limit keeps the call stack small. */
const MAX_DEPTH = 100;

/** Tokens after all imports: snippets that import snippets twice each would double without end. */
const MAX_TOKENS = 500_000;

/** Characters of all imported files, the same one counted each time: reading must end in well under a second. */
const MAX_CHARACTERS = 16 * 1024 * 1024;

export type ImportContext = {
  readonly files: CorefileFiles;
  readonly environment: Environment;
  readonly report: Report;
};

type State = ImportContext & {
  readonly snippets: Map<string, readonly TokenLine[]>;
  expansions: number;
  tokens: number;
  characters: number;
};

/** What is being imported, from the outermost in, and how many blocks are open around it. */
type Position = { readonly stack: readonly string[]; readonly blocks: number };

/** Puts in what is imported and takes out the definitions of snippets. A snippet must be defined above its use. */
export function expandImports(lines: readonly TokenLine[], context: ImportContext): readonly TokenLine[] {
  return expand(
    lines,
    { ...context, snippets: new Map(), expansions: 0, tokens: 0, characters: 0 },
    { stack: [], blocks: 0 },
  );
}

const isSnippetHead = (line: TokenLine): boolean =>
  line.length === 2 && /^\(.*\)$/s.test(line[0].text) && !line[0].quoted && isOpenBrace(line[1]);

function expand(lines: readonly TokenLine[], state: State, { stack, blocks }: Position): readonly TokenLine[] {
  const expanded: TokenLine[] = [];
  let open = blocks;
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] as TokenLine;
    if (open === 0 && isSnippetHead(line)) {
      index = defineSnippet(lines, index, state);
    } else if (line[0].text === "import" && !line[0].quoted) {
      for (const imported of importLine(line, state, { stack, blocks: open })) expanded.push(imported);
    } else {
      state.tokens += line.length;
      open = Math.max(0, open + braceBalance(line));
      expanded.push(line);
    }
  }
  return expanded;
}

/** Keeps the body of a snippet; gives the position of its last line. */
function defineSnippet(lines: readonly TokenLine[], start: number, { snippets, report }: State): number {
  const [head] = lines[start] as TokenLine;
  const name = head.text.slice(1, -1);
  let open = 1;
  let end = start + 1;
  for (; end < lines.length; end += 1) {
    open += braceBalance(lines[end] ?? []);
    if (open <= 0) break;
  }
  const last = lines[end];
  if (last === undefined) report.error(head.place, `Unexpected EOF: snippet '${name}' is not closed by '}'`);
  else if (!isCloseBrace(last[0]) || last.length > 1) {
    report.error(
      last[0].place,
      `unexpected '${last.at(-1)?.text}': the '}' of a snippet must stand on a line of its own`,
    );
  }
  if (snippets.has(name)) report.error(head.place, `redeclaration of previously declared snippet ${name}`);
  else snippets.set(name, lines.slice(start + 1, end));
  return end;
}

function importLine(line: TokenLine, state: State, { stack, blocks }: Position): readonly TokenLine[] {
  const [word, target] = line;
  const { report } = state;
  const failed = (message: string): readonly TokenLine[] => {
    report.error(word.place, message);
    return [];
  };
  if (line.length !== 2 || target === undefined) {
    return failed("Import takes only one argument (glob pattern or file)");
  }
  if (target.text === "") {
    return failed(`import has an empty argument: environment variable ${target.unset.join(", ")} is empty or not set`);
  }
  state.expansions += 1;
  if (state.expansions > MAX_EXPANSIONS) {
    return state.expansions === MAX_EXPANSIONS + 1 ? failed(`more than ${MAX_EXPANSIONS} imports`) : [];
  }
  if (state.tokens > MAX_TOKENS) return failed(`imports make the Corefile larger than ${MAX_TOKENS} words`);
  if (stack.length >= MAX_DEPTH) return failed(`imports are nested more than ${MAX_DEPTH} deep`);
  const snippet = state.snippets.get(target.text);
  if (snippet === undefined) return importFiles(target, state, { stack, blocks });
  const key = `snippet ${target.text}`;
  if (stack.includes(key)) {
    return failed(`snippet '${target.text}' imports itself: maximum snippet import depth (${MAX_EXPANSIONS}) exceeded`);
  }
  return expand(snippet, state, { stack: [...stack, key], blocks });
}

function importFiles(target: Token, state: State, { stack, blocks }: Position): readonly TokenLine[] {
  const { files, report } = state;
  const pattern = isAbsolute(target.text) ? target.text : join(dirname(target.place.file), target.text);
  const wildcards = target.text.match(/[*?]/g)?.length ?? 0;
  if (wildcards > 1 || /[[\]]/.test(target.text)) {
    report.error(target.place, `Glob pattern may only contain one wildcard (*), but has others: ${target.text}`);
    return [];
  }
  const paths = wildcards === 0 ? [pattern] : files.glob(pattern).toSorted();
  if (paths.length === 0) report.warning(target.place, `No files matching import glob pattern: ${target.text}`);
  const hidden = wildcards > 0 ? paths.filter((path) => !basename(path).startsWith(".")) : paths;
  return hidden.flatMap((path) => importFile(path, target, state, { stack, blocks }));
}

function importFile(path: string, target: Token, state: State, { stack, blocks }: Position): readonly TokenLine[] {
  const { files, environment, report } = state;
  const key = `file ${path}`;
  if (stack.includes(key) || path === target.place.file) {
    report.error(target.place, `file '${path}' imports itself: maximum file import depth (${MAX_EXPANSIONS}) exceeded`);
    return [];
  }
  const text = files.read(path);
  if (!text.ok) {
    report.error(target.place, `File to import not found: ${target.text} (${text.problems.join("; ")})`);
    return [];
  }
  state.characters += text.value.length;
  if (state.characters > MAX_CHARACTERS) {
    report.error(target.place, `imported files hold more than ${MAX_CHARACTERS} characters together`);
    return [];
  }
  const lines = lexCorefile({ file: path, text: text.value, environment }, report);
  return expand(lines, state, { stack: [...stack, key], blocks });
}
