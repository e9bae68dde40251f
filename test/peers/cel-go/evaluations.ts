/** Values of every type, as they are written. Those behind `dyn` meet each other without the checker's refusal. */
const VALUES: readonly string[] = [
  ..."0 1 -7 9223372036854775807 -9223372036854775808 0u 2u 18446744073709551615u 0.0 1.0 -2.5 1e30 9007199254740993".split(
    " ",
  ),
  ..."(0.0/0.0) (1.0/0.0) true false null '' 'a' 'B' '12' '-3.5' 'h\u00e9' 'true' '1h30m' '2026-02-03T04:05:06Z'".split(
    " ",
  ),
  ..."[] [1] ['a','b'] [1.0,2u] {} {'a':1} {1:'x'} duration('90s') duration('-1h') timestamp('2026-02-03T04:05:06.5Z')".split(
    " ",
  ),
  ..."optional.none() optional.of(1) int type(1)".split(" "),
];
const OPERATORS = "== != < <= > >= + - * / % in && ||".split(" ");
const CONVERSIONS = "int uint double string bool timestamp duration type size dyn -  !"
  .split(" ")
  .filter((name) => name !== "");

const TEXTS = [
  "''",
  "'a'",
  "'a,b,,c'",
  "'H\u00e9llo W\u00f6rld'",
  "' \\t x \\u00a0'",
  "'\u{1f600}x\u{1f600}'",
  "'aaa'",
];
const TEXT_CALLS: readonly string[] = [
  ..."size() lowerAscii() upperAscii() trim() charAt(0) charAt(1) charAt(9) charAt(-1) substring(0) substring(1,2) substring(2,1) substring(1,99)".split(
    " ",
  ),
  ..."indexOf('a') indexOf('') indexOf('b',1) indexOf('a',-1) indexOf('a',99) lastIndexOf('a') lastIndexOf('') lastIndexOf('a',1) lastIndexOf('a',-1)".split(
    " ",
  ),
  ..."split(',') split('') split(',',2) split(',',0) split(',',1) split(',',-1) replace('a','x') replace('','-') replace('a','x',1) replace('a','x',0) replace('a','x',-1)".split(
    " ",
  ),
  ..."contains('a') contains('') startsWith('a') endsWith('') matches('a+') matches('^$') matches('(') matches('[\\\\w]')".split(
    " ",
  ),
];

const LISTS = ["[]", "[1]", "[3,1,2]", "['b','a']", "[1,'a',true]", "[0,1]", "{'k':1}", "{1:0}"];
const LIST_CALLS: readonly string[] = [
  "size()",
  "all(v,v>0)",
  "exists(v,v>0)",
  "exists_one(v,v>0)",
  "map(v,v+1)",
  "map(v,v>1,v)",
  "filter(v,v!=1)",
  "all(v,1/v>0)",
  "exists(v,1/v>0)",
  "all(i,v,v!=i)",
  "exists(i,v,v==1)",
  "existsOne(i,v,v==1)",
  "transformList(i,v,[i,v])",
  "transformMap(i,v,v)",
  "transformList(i,v,i!=0,v)",
  "transformMap(i,v,i!=0,v)",
  "map(v,v).size()",
  "map(v,true)",
  "all(v,'x')",
  "exists(v,null)",
];
const INDEXES = [
  "[0]",
  "[1]",
  "[-1]",
  "[9]",
  "[1.0]",
  "[0u]",
  "['k']",
  "[true]",
  "[null]",
  "[0.5]",
  "[?0]",
  "[?'k']",
  "[?9]",
  ".k",
  ".zz",
  ".?k",
  ".?zz.?y",
];

const FORMATS = [
  "'%s'.format([1])",
  "'%s'.format([1.5])",
  "'%s'.format([1e30])",
  "'%s'.format([true])",
  "'%s'.format([null])",
  "'%s'.format([['a',1]])",
  "'%s'.format([{'b':1,'a':2}])",
  "'%s'.format([duration('90s')])",
  "'%s'.format([timestamp('2026-02-03T04:05:06Z')])",
  "'%s'.format([type(1)])",
  "'%d'.format([7])",
  "'%d'.format([7u])",
  "'%d'.format([1.5])",
  "'%d'.format(['a'])",
  "'%f'.format([1.5])",
  "'%.2f'.format([1.005])",
  "'%f'.format([3])",
  "'%.0f'.format([2.5])",
  "'%e'.format([1234.5])",
  "'%.1e'.format([0.00012])",
  "'%b'.format([5])",
  "'%b'.format([-5])",
  "'%b'.format([true])",
  "'%o'.format([8])",
  "'%x'.format([255])",
  "'%x'.format(['hi'])",
  "'%X'.format([255u])",
  "'%x'.format([-255])",
  "'%%'.format([])",
  "'%s'.format([])",
  "'%s'.format([1,2])",
  "'%q'.format([1])",
  "'%'.format([1])",
  "'%s %s'.format(['a','b'])",
  "'%f'.format([0.0/0.0])",
  "'%e'.format([1.0/0.0])",
  "'%s'.format([0.0/0.0])",
];

const TIMES = [
  ..."1h 1m30s 1.5s 100ms 1us 1ns -1h 1d 1 abc 0 1h1 2562047h47m16.854775807s 9999999h .5h +1s 1\u00b5s"
    .split(" ")
    .map((text) => `duration('${text}')`),
  ..."2026-02-03T04:05:06Z 2026-02-03T04:05:06.123456789Z 2026-02-03T04:05:06+02:00 2026-02-03 0001-01-01T00:00:00Z 9999-12-31T23:59:59Z 0000-01-01T00:00:00Z 2026-02-30T00:00:00Z 2026-02-03t04:05:06z 2024-02-29T23:59:60Z"
    .split(" ")
    .map((text) => `timestamp('${text}')`),
];
const TIME_CALLS =
  "getFullYear() getMonth() getDate() getDayOfMonth() getDayOfWeek() getDayOfYear() getHours() getMinutes() getSeconds() getMilliseconds() getHours('+05:30') getDate('-23:00') getHours('02:00') getHours('x')".split(
    " ",
  );

const OTHERS = [
  ..."cel.bind(v,2,v*v)|has(self.a)|has(self.a.b)|has(self.zz)|has(self.zz.b)|self.a.b|self.zz|self.list[0]|self.list.size()|self.nothing==null|self.n+1|self.f+1.0|self.big|'a' in self|'zz' in self|1 in self.list".split(
    "|",
  ),
  ..."true||1/0>0|1/0>0||true|false&&1/0>0|1/0>0&&false|true&&1/0>0|dyn('x')||true|true||dyn('x')|dyn('x')&&true|true?1:1/0|false?1/0:2|dyn(1)?1:2|null?1:2".split(
    "|",
  ),
  ..."sets.contains([1,2],[1])|sets.contains([1],[1.0,1u])|sets.equivalent([1,1],[1])|sets.intersects([1],[])|sets.contains([],[])|sets.equivalent([[1]],[[1.0]])".split(
    "|",
  ),
  ..."optional.of(1).value()|optional.none().value()|optional.none().orValue(3)|optional.of(1).or(optional.of(2)).value()|optional.ofNonZeroValue(0).hasValue()|optional.ofNonZeroValue('').hasValue()|optional.ofNonZeroValue([]).hasValue()".split(
    "|",
  ),
  ..."optional.of(1).optMap(v,v+1)|optional.none().optMap(v,v+1)|optional.of(1).optFlatMap(v,optional.none())|self.?zz.orValue('d')|self.?a.?b|self.?a.b|self[?'zz'].hasValue()|optional.of({'a':1}).a|optional.of({'a':1}).zz|optional.of([1])[0]|optional.none().?a".split(
    "|",
  ),
  ..."strings.quote('a\"b\\n')|['a','b'].join()|['a','b'].join('-')|[1].join()|[].join(',')|'\u{1f600}a'.size()|'\\u0041\\x42\\103'|r'\\n'.size()|{'a':1,'b':2}=={'b':2.0,'a':1u}|[1,2]==[1.0,2u]|{'a':1}.map(k,k)|{1:2}[1.0]|{1u:2}[1]|{1.5:2}|{'a':1,'a':2}".split(
    "|",
  ),
  ..."string(1.0)|string(1e21)|string(1e20)|string(0.000001)|string(1e-7)|string(-0.0)|string(100000.0)|string(1000000.0)|string(999999.5)|string(123456789.5)|string(0.0001)|string(0.00001)|double('1e400')|double('inf')|double('-Infinity')|double('+nan')|type(duration('1s'))==google.protobuf.Duration|google.protobuf.Timestamp==type(1)|strings.quote('\\a\\v\\u0001')|'\\ufeffa\\u0085'.trim()|[null][0]|int('0x10')|int(' 1')|int('+1')|int('1_0')|int(1e19)|int(-1.9)|int(9223372036854774784.0)|uint(-1)|uint(1.9)|uint('-1')|double('1e3')|double('x')|double('NaN')|double('Infinity')|double('')|double(' 1')|double('0x1p3')|bool('T')|bool('yes')|bool('TRUE')|bool('1')|bool('tRue')|int(timestamp('2026-02-03T04:05:06.9Z'))|timestamp(0)|timestamp(-1)|duration(5)|int(duration('5s'))|string(duration('1h0.5s'))|string(timestamp('2026-02-03T04:05:06.120Z'))".split(
    "|",
  ),
  ..."timestamp('2026-01-01T00:00:00Z')-timestamp('2025-01-01T00:00:00Z')|timestamp('9999-12-31T23:59:59Z')+duration('1s')|duration('2562047h')+duration('2562047h')|timestamp('2026-01-01T00:00:00Z')-duration('1h')|duration('1h').getMinutes()|duration('90s').getHours()|duration('1.5s').getMilliseconds()|duration('1h').getFullYear()".split(
    "|",
  ),
];

/** What the variables stand for. */
export const BINDINGS = {
  self: { a: { b: "x" }, list: [1, 2], nothing: null, n: 41, f: 1.5, big: 9_007_199_254_740_991, "a-b": "dashed" },
} as const;

/** Expressions to be evaluated: all operators on all pairs of values, all functions on values that fit and others. */
export const EVALUATIONS: readonly string[] = [
  ...VALUES.flatMap((left) =>
    VALUES.flatMap((right) =>
      OPERATORS.map((operator) => `dyn(${left})${operator === "in" ? " in " : operator}dyn(${right})`),
    ),
  ),
  ...VALUES.flatMap((value) => CONVERSIONS.map((name) => `${name}(dyn(${value}))`)),
  ...TEXTS.flatMap((text) => TEXT_CALLS.map((call) => `${text}.${call}`)),
  ...LISTS.flatMap((list) => [
    ...LIST_CALLS.map((call) => `dyn(${list}).${call}`),
    ...INDEXES.map((index) => `dyn(${list})${index}`),
  ]),
  ...TIMES.flatMap((time) => [time, ...TIME_CALLS.map((call) => `${time}.${call}`)]),
  ...FORMATS,
  ...OTHERS,
];
