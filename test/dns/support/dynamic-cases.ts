import { readFileSync } from "node:fs";
import { readCases } from "./conformance.ts";
import { askDns, type DnsProcess, startDnsProcess } from "./dns-process.ts";
import type { ReplyText } from "./reply-text.ts";
import { startTestUpstream, type TestUpstream, type TestUpstreamInput } from "./test-upstream.ts";

type DynamicCase = { readonly id: string; readonly title: string; readonly steps: readonly string[] };

/** The conformance cases that are about change, in words. */
export const dynamicCases: readonly DynamicCase[] = JSON.parse(
  readFileSync(new URL("../../fixtures/dns-dynamic-cases.json", import.meta.url), "utf8"),
);

/** A test's title: the case's id and title. */
export function titleOf(id: string): string {
  const found = dynamicCases.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no case ${id}`);
  return `${found.id}: ${found.title}`;
}

const { zones, fixtures } = readCases();

/** The objects of a fixture, which a test may change. */
export const objectsOf = (name: string): readonly FixtureObject[] => {
  const fixture = fixtures[name];
  if (fixture === undefined) throw new Error(`no fixture ${name}`);
  return structuredClone((fixture.kubernetes ?? []) as unknown as readonly FixtureObject[]);
};

export type FixtureObject = {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly listeners?: object[]; readonly hostnames?: readonly string[] };
  readonly status?: { addresses?: readonly object[] };
};

/** The same objects, the Gateway changed. */
export const withGateway = (change: (gateway: FixtureObject) => FixtureObject): readonly FixtureObject[] =>
  objectsOf("egress").map((object) => (object.kind === "Gateway" ? change(object) : object));

export const zoneOf = (name: string): readonly string[] => zones[fixtures[name]?.upstream.zone ?? ""] ?? [];

/** The fixture `egress` as a process that follows its objects in a file. */
export type EgressWorld = {
  readonly sluice: DnsProcess;
  readonly upstream: TestUpstream;
  readonly port: number;
  ask(name: string, type?: string): Promise<ReplyText>;
  close(): Promise<void>;
};

export type EgressWorldInput = Partial<TestUpstreamInput> & {
  /** More lines of the server block. */
  readonly lines?: string;
};

export async function startEgressWorld({ lines = "", ...upstreamInput }: EgressWorldInput = {}): Promise<EgressWorld> {
  const upstream = await startTestUpstream({
    ...upstreamInput,
    zone: [...zoneOf("egress"), ...(upstreamInput.zone ?? [])],
  });
  const sluice = await startDnsProcess({
    corefile: `.:53 {\nerrors\nsluice {\nttl 5\n}\n${lines}\nforward . 127.0.0.1:${upstream.port}\n}\n`,
    objects: objectsOf("egress"),
    args: ["--listen", "127.0.0.1:0", "--workers", "1"],
  });
  const port = Number(/"port":(\d+),"workers":1,"msg":"resolver is listening"/.exec(sluice.stderr())?.[1]);
  return {
    sluice,
    upstream,
    port,
    ask: (name, type = "A") => askDns({ name, type, edns: {} }, { port }),
    async close() {
      await sluice.close();
      await upstream.close();
    },
  };
}
