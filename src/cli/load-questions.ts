import { FLAG, typeCode } from "../dns/wire/codes.ts";
import { parseName } from "../dns/wire/name.ts";
import { encodeQuery, encodeQuestion } from "../dns/wire/question.ts";
import { fail, ok, type Result } from "../model/result.ts";

/** The longest query: header, a name of 255 octets, type and class, OPT. */
export const QUERY_OCTETS = 12 + 255 + 4 + 11;

/** Gives one query after the other, round and round. */
export type QuestionSource = {
  /** Writes the next query at an offset, where `QUERY_OCTETS` fit. Gives its length. */
  write(out: Buffer, at: number, id: number): number;
};

export type LoadQuestion = { readonly name: string; readonly type: number };

const MAX_QUESTIONS = 1_000_000;

/** Reads `NAME TYPE` lines; blank ones and comments (`#`, `;`) are passed over, the type is A if it is not given. */
export function parseQuestions(text: string, defaultType: number): Result<readonly LoadQuestion[]> {
  const questions: LoadQuestion[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const [name = "", typeText] = line.trim().split(/\s+/, 2);
    if (name === "" || name.startsWith("#") || name.startsWith(";")) continue;
    const type = typeText === undefined ? defaultType : typeCode(typeText);
    if (type === undefined) return fail(`line ${index + 1}: '${(typeText ?? "").slice(0, 40)}' is no record type`);
    if (parseName(name) === undefined) return fail(`line ${index + 1}: '${name.slice(0, 60)}' is no domain name`);
    if (questions.push({ name, type }) > MAX_QUESTIONS) return fail(`more than ${MAX_QUESTIONS} questions`);
  }
  return questions.length === 0 ? fail("there is no question in it") : ok(questions);
}

/** Digits of a number to base 36 that make a name unique within a run: 2 billion of them. */
const COUNTER_DIGITS = 6;
const DIGITS = Buffer.from("0123456789abcdefghijklmnopqrstuvwxyz", "latin1");
/** Where a query's name starts, and where the digits of its first label do. */
const NAME_START = 12;

function writeCounter(out: Buffer, end: number, counter: number): void {
  let rest = counter;
  for (let at = end - 1; at >= end - COUNTER_DIGITS; at--) {
    out[at] = DIGITS[rest % 36] as number;
    rest = Math.floor(rest / 36);
  }
}

/**
 * Encodes every question once. With a prefix each query asks below its name for a label that starts with it and is used
 * once. Fails for a name that is none, or too long for the label.
 */
export function createQuestionSource(questions: readonly LoadQuestion[], prefix?: string): Result<QuestionSource> {
  const encoded: Buffer[] = [];
  for (const { name, type } of questions) {
    const raw = parseName(prefix === undefined ? name : `${prefix}${"0".repeat(COUNTER_DIGITS)}.${name}`);
    if (raw === undefined) return fail(`'${name.slice(0, 60)}' is no domain name, or too long for another label`);
    encoded.push(encodeQuery(encodeQuestion(raw, type), { id: 0, flags: FLAG.RD, edns: { dnssecOk: false } }));
  }
  const counterEnd = prefix === undefined ? 0 : NAME_START + 1 + prefix.length + COUNTER_DIGITS;
  let next = 0;
  let written = 0;
  return ok({
    write(out, at, id) {
      const query = encoded[next] as Buffer;
      next = next + 1 === encoded.length ? 0 : next + 1;
      query.copy(out, at);
      out[at] = id >> 8;
      out[at + 1] = id & 0xff;
      if (counterEnd !== 0) writeCounter(out, at + counterEnd, written++);
      return query.length;
    },
  });
}
