/**
 * Splits a stream of bytes into lines without their line feed; empty lines are passed over. What follows the last
 * line feed is dropped: a watch that breaks off in the middle of an event has not delivered it.
 * @throws Error when one line is longer than `maxBytes`, before more of it is kept.
 */
export async function* watchLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<string, void, undefined> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let newline = chunk.indexOf(0x0a); newline !== -1; newline = chunk.indexOf(0x0a, from)) {
      pieces.push(chunk.subarray(from, newline));
      length += newline - from;
      from = newline + 1;
      if (length > maxBytes) throw new Error(`an event is longer than ${maxBytes} bytes`);
      if (length > 0) yield Buffer.concat(pieces).toString("utf8");
      pieces = [];
      length = 0;
    }
    if (from < chunk.length) pieces.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > maxBytes) throw new Error(`an event is longer than ${maxBytes} bytes`);
  }
}
