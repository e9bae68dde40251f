/**
 * The value of a scalar together with where each of its UTF-16 units is written: unit `i` stands at
 * `starts[i]` to `ends[i]` (exclusive) of the file's text. An escape or a folded line break covers its whole
 * source; both units of an escaped astral character cover the same escape.
 */
export type ScalarSource = {
  readonly value: string;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
};

/** Collects the units of a scalar in order. */
export type ScalarWriter = {
  /** Text whose source is the one stretch `start` to `end`. */
  emit(text: string, start: number, end: number): void;
  /** The stretch `start` to `end` of the file, taken over unit by unit. */
  copy(start: number, end: number): void;
  done(): ScalarSource;
};

export function scalarWriter(fileText: string): ScalarWriter {
  const pieces: string[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  return {
    emit(text, start, end) {
      pieces.push(text);
      for (let unit = 0; unit < text.length; unit++) {
        starts.push(start);
        ends.push(end);
      }
    },
    copy(start, end) {
      pieces.push(fileText.slice(start, end));
      for (let at = start; at < end; at++) {
        starts.push(at);
        ends.push(at + 1);
      }
    },
    done: () => ({ value: pieces.join(""), starts, ends }),
  };
}
