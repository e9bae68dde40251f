import { corefileEnvironment } from "../config/load.ts";
import { type DescribedMessage, describeMessage } from "../dns/describe-message.ts";
import { type AnswerExplanation, explainAnswer } from "../dns/explain-answer.ts";
import { askedName } from "../dns/pipeline/exchange.ts";
import { makePlan } from "../dns/pipeline/plan.ts";
import type { TraceStep } from "../dns/pipeline/trace.ts";
import { type TracedAnswer, traceQuestion } from "../dns/pipeline/trace-question.ts";
import { type DescribedStep, describeSteps } from "../dns/pipeline/trace-steps.ts";
import { compileBlockData } from "../dns/server/block-data.ts";
import type { UpstreamAddress } from "../dns/upstream/address.ts";
import { typeName } from "../dns/wire/codes.ts";
import { nameText, parseName } from "../dns/wire/name.ts";
import { canonicalAddress } from "../model/address.ts";
import { SluiceError } from "../model/errors.ts";
import type { Topology } from "../model/topology.ts";
import { createLog } from "../observe/log.ts";
import { findUpstreams } from "./serve-dns.ts";
import { createServedCorefile } from "./served-corefile.ts";

export type CorefileQuestion = {
  /** Undefined for the default one. */
  readonly corefile: string | undefined;
  readonly upstream: readonly string[];
  /** Manifests as one picture, empty when none were given. */
  readonly topology: Topology;
  readonly clusterDomain: string;
  readonly name: string;
  readonly type: number;
  readonly client: string;
  readonly tcp: boolean;
  readonly dnssec: boolean;
  readonly port: number | undefined;
  readonly offline: boolean;
  /** Told what of the Corefile has no effect. */
  readonly warn: (text: string) => void;
};

/** One answer of a Corefile, and how it came about. The keys are those of the JSON output. */
export type CorefileAnswer = {
  readonly name: string;
  readonly type: string;
  readonly client: string;
  readonly protocol: "udp" | "tcp";
  /** As the Corefile names it: `dns://:53`. */
  readonly listener: string;
  /** Zone of the server block; null when none has the name. */
  readonly zone: string | null;
  /** The directive that answered; null when none did. */
  readonly answeredBy: string | null;
  /** What the client reads; null when nothing is sent. */
  readonly message: DescribedMessage | null;
  readonly milliseconds: number;
  /** What `sluice` decided; null without it, and when the question did not get as far. */
  readonly egress: Omit<AnswerExplanation, "message"> | null;
  /** Records that `sluice` did not let through. */
  readonly heldBack: readonly string[];
  readonly trace: readonly DescribedStep[];
  /** Series that were counted, among them which upstream was asked and what the guard shut. */
  readonly counts: Readonly<Record<string, number>>;
  /** Lines that the directives wrote into the log. */
  readonly log: readonly string[];
};

/** Puts a question to a Corefile in this process. Throws a SluiceError when the Corefile cannot be served. */
export async function queryCorefile(question: CorefileQuestion): Promise<CorefileAnswer> {
  const { name, type, client, tcp, dnssec, port, offline } = question;
  const raw = parseName(name);
  if (raw === undefined) {
    throw new SluiceError("SLUICE_USAGE", `'${name}' is no domain name`, "write the name as example.org");
  }
  const plan = makePlan(await loadServers(question));
  const address = canonicalAddress(client) ?? client;
  const { data, problems } = compileBlockData(plan, dataOf(question), { version: 1, blocks: 1 });
  for (const problem of problems) question.warn(problem);
  const protocol = tcp ? "tcp" : "udp";
  const answer = await traceQuestion({
    ...{ plan, data, raw, type, client: address, protocol, dnssecOk: dnssec, offline },
    ...(port !== undefined && { port }),
  });
  if (answer === undefined) {
    const ports = plan.listeners.map(({ label }) => label).join(", ");
    throw new SluiceError("SLUICE_USAGE", `the Corefile does not listen on port ${port}`, `it listens on ${ports}`);
  }
  return describe({ name: nameText(raw), type: typeName(type), client: address, protocol }, answer);
}

async function loadServers(question: CorefileQuestion) {
  const { corefile, warn } = question;
  const log = { warn: (fields: object, message: string) => warn(`${message}: ${Object.values(fields).join(" ")}`) };
  const clusterDns = await upstreamsFor(question);
  const environment = corefileEnvironment();
  return createServedCorefile({ file: corefile, environment, clusterDns: () => clusterDns, log }).load().servers;
}

/** Fills the place of an upstream that is not asked. */
const NOBODY = [{ host: "127.0.0.1", port: 53, family: 4 }] as const;

async function upstreamsFor({
  corefile,
  upstream,
  offline,
  topology,
}: CorefileQuestion): Promise<readonly UpstreamAddress[]> {
  if (offline && upstream.length === 0) return NOBODY;
  try {
    return await findUpstreams({ upstream, source: "files" }, topology, createLog("silent"));
  } catch (error) {
    // A Corefile may name its upstreams itself.
    if (corefile === undefined || upstream.length > 0) throw error;
    return [];
  }
}

const dataOf = ({ topology, clusterDomain }: CorefileQuestion) =>
  ({
    view: topology,
    synced: true,
    source: "watch",
    records: topology.objects.of("DNSRecord"),
    recordNamespaces: [],
    clusterDomain,
  }) as const;

type Asker = Pick<CorefileAnswer, "name" | "type" | "client" | "protocol">;

function describe(asker: Asker, answer: TracedAnswer): CorefileAnswer {
  const trace = describeSteps(answer.steps);
  const message = answer.bytes === undefined ? undefined : describeMessage(answer.bytes);
  const by = answer.steps[0]?.answer?.by ?? "";
  return {
    ...asker,
    listener: answer.listener,
    zone: answer.zone ?? null,
    answeredBy: by === "" ? null : by,
    message: message?.ok ? message.value : null,
    milliseconds: answer.milliseconds,
    egress: egressOf(answer, asker.client),
    heldBack: trace.flatMap(({ directive, removed }) => (directive === "sluice" ? removed : [])),
    trace,
    counts: answer.counts,
    log: answer.lines.map(({ text }) => text),
  };
}

const flatten = (steps: readonly TraceStep[]): readonly TraceStep[] =>
  steps.flatMap((step) => [step, ...flatten(step.below)]);

/** What `sluice` decided on the client's name, or else on the name that a directive before it made of that. */
function egressOf({ steps, table }: TracedAnswer, client: string): CorefileAnswer["egress"] {
  const step = flatten(steps).find(({ directive }) => directive.name === "sluice");
  if (step === undefined || table === undefined) return null;
  const { query, asked, message } = step.exchange;
  const explain = (name: string, type: number) => {
    const explained = explainAnswer({ table, name, type, client });
    if (!explained.ok) return null;
    const { message: _message, ...rest } = explained.value;
    return rest;
  };
  const own = explain(nameText(message.toString("latin1", 12, query.questionEnd - 5)), query.type);
  return own?.action === "forward" && asked.raw !== undefined
    ? explain(nameText(askedName(step.exchange)), asked.type)
    : own;
}
