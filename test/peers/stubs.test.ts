import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPod } from "../../src/inject/pod.ts";
import { buildPodDns, limitsOf } from "../../src/inject/pod-dns.ts";
import { buildProfile } from "../../src/inject/profile.ts";
import { until } from "../cluster/wait.ts";
import { type Fixture, readCases } from "../dns/support/conformance.ts";
import { type Output, type Pod, RESOLVER_ADDRESS, startPod } from "./support/pod.ts";
import { buildStubPrograms, type StubProgram } from "./support/stub-programs.ts";

const programs = await buildStubPrograms();
const { zones, fixtures } = readCases();

/** The file that the kubelet writes for a pod of ours. */
function injectedResolvConf(): string {
  const reading = readPod({ metadata: {}, spec: {} });
  if (!reading.ok) throw new Error(reading.problem);
  const profile = buildProfile();
  const { nameservers, searches, options } = buildPodDns({
    ...{ pod: reading.pod, namespace: "shop", nameservers: [RESOLVER_ADDRESS], previous: [], annotated: false },
    ...{ profile, limits: limitsOf(profile) },
  });
  const optionTexts = options.map(({ name, value }) => (value === undefined ? name : `${name}:${value}`));
  return [
    `search ${searches.join(" ")}`,
    ...nameservers.map((address) => `nameserver ${address}`),
    `options ${optionTexts.join(" ")}`,
    "",
  ].join("\n");
}

const RESOLV_CONF = injectedResolvConf();
/** What the Kuadrant guide's dnsConfig amounts to: no options, so ndots is 1. */
const RESOLV_CONF_WITHOUT_NDOTS = RESOLV_CONF.replace(/^options .*$/m, "options timeout:2 attempts:3");

/** Without a cache every lookup meets the upstream; with one, the answers that are kept are judged as well. */
const corefile = (cache: "cached" | "uncached"): string => `.:53 {
    errors
    sluice {
        ttl 5
        cluster_domain cluster.local
    }
    ${cache === "cached" ? "cache 30" : ""}
    forward . @UPSTREAM@
}
`;

/** Aliases into api.openai.com whose upstream is slow, lies, truncates or races. */
const ALIASES = [
  "slow.example.com. 300 CNAME api.openai.com.",
  "raced.example.com. 300 CNAME api.openai.com.",
  "noisy.example.com. 300 CNAME api.openai.com.",
  "truncated.example.com. 300 CNAME api.openai.com.",
  "long.example.com. 300 CNAME api.openai.com.",
];
/** So many real addresses behind an alias that the upstream's answer is far above 512 octets; ours is not. */
const MANY_ADDRESSES = Array.from({ length: 36 }, (_, index) => `api.openai.com. 300 A 162.159.140.${index + 1}`);
const LIES = ["api.openai.com. 300 A 162.159.140.245", "httpbin.org. 300 A 54.208.1.1"];
const BEHAVIOURS = {
  "slow.example.com.": { delay: 0.9 },
  "raced.example.com.": { badid: true, garbage_first: true },
  "noisy.example.com.": { extra: LIES },
  "truncated.example.com.": { tc: true },
  "long.example.com.": { answer_extra: MANY_ADDRESSES },
  "liar.example.com.": { answer_extra: LIES, extra: LIES },
};
const EGRESS_NAMES = ["api.openai.com", "API.OpenAI.com", "httpbin.org", "docs.anthropic.com"];
const ALIAS_NAMES = [
  ...["alias.example.com", "alias2.example.com", "evil.example.net", "api.dn.example.com"],
  ...["slow.example.com", "raced.example.com", "noisy.example.com", "truncated.example.com", "long.example.com"],
];
/** Real addresses of egress names, as text and as the hexadecimal digits of an unknown record's data. */
const REAL =
  /162\.159\.140\.\d+|2606:4700::1111|54\.208\.1\.1\b|160\.79\.104\.99|a29f8c[0-9a-f]{2}|260647000{20}1111|36d00101/;

const GATEWAY_IPV4 = "10.96.10.10";
const GATEWAY_IPV6 = "fd00:10:96::10";

/** The fixture's objects with the Gateway at these addresses. */
function objectsWith(addresses: readonly string[]): object[] {
  const { kubernetes = [] } = fixtures["egress"] as Fixture;
  const status = { addresses: addresses.map((value) => ({ type: "IPAddress", value })) };
  return kubernetes.map((object) => {
    const own = object as typeof object & { readonly status?: object };
    return own.kind === "Gateway" ? { ...own, status: { ...own.status, ...status } } : own;
  });
}

const startOurPod = (addresses: readonly string[], cache: "cached" | "uncached"): Promise<Pod> =>
  startPod({
    objects: objectsWith(addresses),
    corefile: corefile(cache),
    upstream: {
      zone: [...(zones["zone-0"] ?? []), ...ALIASES, "liar.example.com. 300 A 203.0.113.7"],
      behaviours: BEHAVIOURS,
    },
  });

const leaksIn = ({ lines }: Pick<Output, "lines">): string[] =>
  lines.filter((line) => REAL.test(line.toLowerCase().replaceAll(/(?<=[0-9a-f]) (?=[0-9a-f])/g, "")));

const lookUp = (pod: Pod, program: StubProgram, ...args: string[]): Promise<Output> =>
  pod.run(RESOLV_CONF, [...program.command, ...args]);

describe.each([
  ["an IPv4 gateway", [GATEWAY_IPV4]],
  ["a dual-stack gateway", [GATEWAY_IPV4, GATEWAY_IPV6]],
] as const)("pods with %s", (_title, addresses) => {
  let pod: Pod;
  beforeAll(async () => {
    pod = await startOurPod(addresses, "uncached");
  });
  afterAll(() => pod?.close());

  describe.each(programs.map((program) => [program.name, program] as const))("%s", (_name, program) => {
    test.each([...EGRESS_NAMES, ...ALIAS_NAMES])("%s is the gateway and nothing else", async (name) => {
      const { lines } = await lookUp(pod, program, name);
      expect([...new Set(lines)].sort()).toEqual([...addresses].sort());
    });

    test("an upstream that adds addresses of egress names is believed for its own name only", async () => {
      expect((await lookUp(pod, program, "liar.example.com")).lines).toEqual(["203.0.113.7"]);
      const { lines } = await lookUp(pod, program, "api.openai.com");
      expect([...new Set(lines)].sort()).toEqual([...addresses].sort());
    });

    test("a lookup for IPv6 alone gives no IPv4 address (DY-018)", async () => {
      for (const name of ["api.openai.com", "alias.example.com"]) {
        const { lines } = await lookUp(pod, program, name, "6");
        const found = lines.filter((line) => !line.startsWith("error:"));
        expect([...new Set(found)]).toEqual(addresses.filter((address) => address.includes(":")));
      }
    });
  });

  describe.each(programs.filter(({ searches }) => searches).map((program) => [program.name, program] as const))(
    "%s with the injected search list",
    (_name, program) => {
      test("an egress name needs no question to the upstream (DY-014, DY-015)", async () => {
        await pod.forgetQuestions();
        const { lines } = await lookUp(pod, program, "api.openai.com");
        expect([...new Set(lines)].sort()).toEqual([...addresses].sort());
        expect(await pod.questions()).toEqual([]);
      });

      test("a short name of the cluster is found", async () => {
        expect((await lookUp(pod, program, "web.default")).lines).toEqual(["10.96.55.5"]);
      });
    },
  );

  test("musl does not find a short name with a dot when ndots is not injected (DY-016)", async () => {
    const musl = programs.find(({ name }) => name === "musl") as StubProgram;
    const { exitCode } = await pod.run(RESOLV_CONF_WITHOUT_NDOTS, [...musl.command, "web.default"]);
    expect(exitCode).toBe(1);
  });
});

const TYPES = ["A", "AAAA", "HTTPS", "SVCB", "ANY", "CNAME", "NS", "SRV", "NAPTR", "TXT", "MX", "DNAME", "TYPE65280"];
const ASKED = [
  // Not the slow one, whose every type would be waited for.
  ...[...EGRESS_NAMES, ...ALIAS_NAMES.filter((name) => !name.startsWith("slow."))].map((name) => `${name}.`),
  ...["svcb.example.com.", "svcb1.example.com.", "srv.example.com.", "mailer.example.com.", "liar.example.com."],
  "_8443._https.api.openai.com.",
];

/** A question tool with each transport; `$n` and `$t` stand for the name and the type. */
const TOOLS = [
  ["dig over UDP", 'dig +notcp +ignore +time=3 "$n" "$t"'],
  ["dig over UDP without EDNS", 'dig +notcp +noedns +time=3 "$n" "$t"'],
  ["dig over TCP", 'dig +tcp +time=3 "$n" "$t"'],
  ["kdig over UDP", 'kdig +notcp "$n" "$t"'],
  ["kdig over TCP", 'kdig +tcp "$n" "$t"'],
  ["drill over UDP", 'drill "$n" "$t"'],
  ["drill over TCP", 'drill -t "$n" "$t"'],
] as const;

/** Records of the answer section with owner, class, type and data, in what the tools print. */
const answerRecords = ({ lines }: Output): RegExpMatchArray[] =>
  lines.flatMap((line) => [...line.matchAll(/^([^;\s]\S*)\s+\d+\s+IN\s+(\S+)\s+(.*)$/g)]);

describe("question tools in a pod with a dual-stack gateway", () => {
  let pod: Pod;
  beforeAll(async () => {
    pod = await startOurPod([GATEWAY_IPV4, GATEWAY_IPV6], "cached");
  });
  afterAll(() => pod?.close());

  const askAll = (command: string, names: readonly string[], types: readonly string[]): Promise<Output> =>
    pod.run(RESOLV_CONF, [
      ...["sh", "-c", `for n in $1; do for t in $2; do ${command}; done; done`, "sh"],
      ...[names.join(" "), types.join(" ")],
    ]);

  test.each(TOOLS)("%s learns no real address, whatever is asked", async (_name, command) => {
    const output = await askAll(command, ASKED, command.startsWith("drill") ? TYPES.slice(0, -1) : TYPES);
    expect(output.lines.join("\n")).toContain(GATEWAY_IPV4);
    expect(leaksIn(output)).toEqual([]);
  });

  test.each(TOOLS)("%s gets records of the type it asks for, or aliases (DY-018)", async (_name, command) => {
    for (const type of ["A", "AAAA"]) {
      const records = answerRecords(await askAll(command, [...EGRESS_NAMES, ...ALIAS_NAMES], [type]));
      const types = new Set(records.map(([, , found]) => found));
      expect([...types].filter((found) => found !== "CNAME" && found !== "DNAME")).toEqual([type]);
    }
  });
});

describe("a resolver that is killed and started again", () => {
  let pod: Pod;
  beforeAll(async () => {
    pod = await startOurPod([GATEWAY_IPV4], "cached");
  });
  afterAll(() => pod?.close());

  test("no stub ever learns a real address, and each finds the gateway again", { timeout: 90_000 }, async () => {
    const stop = join(pod.folder, "stop");
    const loops = programs.map((program, index) => {
      const log = join(pod.folder, `loop-${index}`);
      const script = `log=$1; stop=$2; shift 2
        while [ ! -e "$stop" ] && [ -e "$log" ]; do for name in $names; do "$@" "$name" >>"$log"; done; sleep 0.05; done`;
      const names = "names='api.openai.com alias.example.com raced.example.com'; ";
      const lines = async (): Promise<string[]> => (await readFile(log, "utf8")).split("\n").filter(Boolean);
      const begin = async (): Promise<Output> => {
        await writeFile(log, "");
        return pod.run(RESOLV_CONF, ["sh", "-c", `${names}${script}`, "sh", log, stop, ...program.command]);
      };
      return { name: program.name, lines, ended: begin() };
    });
    const answered = async (from: readonly number[]): Promise<void> => {
      for (const [index, { name, lines }] of loops.entries())
        await until(`${name} finds the gateway`, async () => (await lines()).slice(from[index]).includes(GATEWAY_IPV4));
    };
    await answered(loops.map(() => 0));
    await pod.killResolver();
    await until("a lookup fails", async () => (await loops[0]?.lines())?.some((line) => line.startsWith("error:")));
    await pod.startResolver();
    const counts = await Promise.all(loops.map(async ({ lines }) => (await lines()).length));
    await answered(counts);
    await writeFile(stop, "");
    await Promise.all(loops.map(({ ended }) => ended));
    for (const { lines } of loops) expect(leaksIn({ lines: await lines() })).toEqual([]);
  });
});
