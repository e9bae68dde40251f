import type { Refusal } from "./convert.ts";
import { endsValue, type Token } from "./tokens.ts";

const MAX_INT = 2n ** 63n - 1n;
const MAX_UINT = 2n ** 64n - 1n;

/** Whether the token is a minus that has no value before it. */
const isSign = (tokens: readonly Token[], position: number): boolean =>
  tokens[position]?.text === "-" && !endsValue(tokens[position - 1]);

/** The largest whole number that may stand at a place. A sign of its own reaches one further; `--1` has two signs. */
function largest(tokens: readonly Token[], position: number): bigint {
  if (/u$/i.test(tokens[position]?.text ?? "")) return MAX_UINT;
  return isSign(tokens, position - 1) && !isSign(tokens, position - 2) ? MAX_INT + 1n : MAX_INT;
}

function refusal(tokens: readonly Token[], position: number, token: Token): Refusal | undefined {
  const { start, end, text } = token;
  if (text.startsWith("0X")) {
    const message = "a hexadecimal number begins with a small `0x`";
    return { start, end, message, hint: `write \`0x${text.slice(2)}\`` };
  }
  const digits = /^(?:0x[0-9a-f]+|[0-9]+)(?=u?$)/i.exec(text)?.[0];
  if (digits === undefined || BigInt(digits) <= largest(tokens, position)) return undefined;
  return { start, end, message: "this whole number does not fit into 64 bits" };
}

/** Numbers that the library reads and no engine does. */
export const lexicalRefusals = (tokens: readonly Token[]): readonly Refusal[] =>
  tokens.flatMap((token, position) => {
    const found = token.kind === "number" ? refusal(tokens, position, token) : undefined;
    return found === undefined ? [] : [found];
  });
