import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLoadFlight } from "../../src/cli/load-flight.ts";
import { createQuestionSource, parseQuestions, QUERY_OCTETS } from "../../src/cli/load-questions.ts";
import { gate } from "../../src/dns/wire/gate.ts";
import { nameText } from "../../src/dns/wire/name.ts";

describe("lines of questions", () => {
  test.each([
    ["nothing", "\n# only a comment\n", "there is no question"],
    ["a name that is none", "a..b A", "line 1: 'a..b' is no domain name"],
    ["a type that is none", "a A\nb NOPE", "line 2: 'NOPE' is no record type"],
  ])("are refused with their number: %s", (_title, text, expected) => {
    const read = parseQuestions(text, 1);
    expect(read.ok ? [] : read.problems).toEqual([expect.stringContaining(expected)]);
  });

  test("are never a reason to fall over", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii", maxLength: 100 }), (text) => {
        expect(typeof parseQuestions(text, 1).ok).toBe("boolean");
      }),
    );
  });
});

describe("a source of questions", () => {
  test("writes queries that pass the gate, in turn, with the ID that is given", () => {
    const source = createQuestionSource([
      { name: "a.example", type: 1 },
      { name: "b.example", type: 28 },
    ]);
    if (!source.ok) throw new Error(source.problems.join());
    const out = Buffer.alloc(QUERY_OCTETS);
    const asked = [1, 2, 65_535].map((id) => {
      const gated = gate(out.subarray(0, source.value.write(out, 0, id)));
      if (gated.verdict !== "question") throw new Error("the gate refuses it");
      return `${out.readUInt16BE(0)} ${nameText(gated.query.key)} ${gated.query.type}`;
    });
    expect(asked).toEqual(["1 a.example. 1", "2 b.example. 28", "65535 a.example. 1"]);
  });

  test("refuses a name that has no room for a label of its own", () => {
    const long = `${"a".repeat(63)}.`.repeat(3) + "a".repeat(61);
    expect(createQuestionSource([{ name: long, type: 1 }]).ok).toBe(true);
    expect(createQuestionSource([{ name: long, type: 1 }], "b1234567").ok).toBe(false);
  });
});

describe("questions under way", () => {
  const flightOf = (most: number) => {
    const source = createQuestionSource([{ name: "a.example", type: 1 }]);
    if (!source.ok) throw new Error(source.problems.join());
    return createLoadFlight(source.value, most);
  };
  const idIn = (message: Buffer): number => message.readUInt16BE(0);

  test("end once, by their ID, with the time they were due at", () => {
    const flight = flightOf(2);
    const slot = flight.begin(5, 7);
    const id = idIn(flight.message(slot, false));
    expect([flight.size(), flight.slots()]).toEqual([1, [slot]]);
    expect(flight.end(id + 64)).toBe(-1);
    expect([flight.end(id), flight.end(id), flight.size()]).toEqual([5, -1, 0]);
  });

  test("are given up when they were sent before a time, and not found afterwards", () => {
    const flight = flightOf(2);
    const old = idIn(flight.message(flight.begin(0, 10), false));
    const fresh = idIn(flight.message(flight.begin(0, 20), false));
    expect([flight.expire(20), flight.size()]).toEqual([1, 1]);
    expect([flight.end(old), flight.end(fresh)]).toEqual([-1, 0]);
  });

  test("never share a slot or an ID, however many come and go", () => {
    const flight = flightOf(16);
    const open = new Map<number, number>();
    fc.assert(
      fc.property(fc.array(fc.nat(15), { maxLength: 300 }), (ends) => {
        for (const end of ends) {
          while (open.size < 16) {
            const id = idIn(flight.message(flight.begin(open.size, 0), false));
            expect(open.has(id)).toBe(false);
            open.set(id, open.size);
          }
          const [id, due] = [...open][end] as [number, number];
          expect(flight.end(id)).toBe(due);
          open.delete(id);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("are framed for TCP with their length", () => {
    const flight = flightOf(1);
    const slot = flight.begin(0, 0);
    const [plain, framed] = [flight.message(slot, false), flight.message(slot, true)];
    expect(framed.readUInt16BE(0)).toBe(plain.length);
    expect(framed.subarray(2)).toEqual(plain);
  });
});
