import { createSocket, type Socket } from "node:dgram";
import { connect } from "node:net";
import { createLog } from "../../../src/observe/log.ts";
import { encodeQuery, framed } from "./dns-client.ts";
import { type Chance, createChance, framesIn, hostilePacket, hostileStream } from "./packets.ts";
import { referenceGate } from "./reference-gate.ts";
import { startTestResolver, type TestResolver } from "./resolver.ts";
import { startScriptedUpstream } from "./scripted-upstream.ts";
import { claim, closed, viewOf } from "./views.ts";

export type FuzzInput = {
  readonly packets: number;
  readonly seed: number;
  /** Called now and then with the number of packets sent. */
  readonly onProgress?: (sent: number) => void;
};

export type FuzzResult = {
  readonly sent: number;
  readonly connections: number;
  readonly replies: number;
  readonly seconds: number;
  /** Resident memory of the whole process, in MiB: warmed up, half-way, at the end. */
  readonly memory: readonly [start: number, half: number, end: number];
  readonly panics: number;
  /** What went wrong, a sentence each; the first hundred. */
  readonly problems: readonly string[];
};

const CLIENTS = 4;
/** Packets between two questions whose answers are waited for. */
const BATCH = 100;
/** One connection for as many batches of datagrams. */
const STREAM_EVERY = 1;
const WARM_UP = 0.1;
const PATIENCE_MILLISECONDS = 3_000;
const MAX_PROBLEMS = 100;
/** The ID of the questions whose answers are waited for; no hostile packet has it. */
const SENTINEL = 0xffff;
const SENTINEL_QUERY = encodeQuery({ name: "api.openai.com", id: SENTINEL });

type Run = {
  readonly port: number;
  readonly chance: Chance;
  readonly problems: string[];
  readonly silent: Set<() => void>;
  replies: number;
  connections: number;
};

const report = (run: Run, problem: string, message?: Buffer): void => {
  if (run.problems.length < MAX_PROBLEMS) {
    run.problems.push(message === undefined ? problem : `${problem}: ${message.toString("hex")}`);
  }
};

/** The most octets that the client of a message may be sent, over UDP. */
function allowedOctets(message: Buffer): number {
  const { query } = referenceGate(message);
  const { edns } = (query ?? {}) as { edns?: { udpSize: number } };
  return edns === undefined ? 512 : Math.min(edns.udpSize, 1_232);
}

const isAnswerable = (message: Buffer): boolean => message.length >= 12 && (message[2] as number) < 0x80;

type FuzzClient = { send(message: Buffer): void; settle(): Promise<void>; close(): void };

/** A socket that knows what it has asked. */
async function openClient(run: Run): Promise<FuzzClient> {
  const socket: Socket = createSocket({ type: "udp4", recvBufferSize: 1 << 22 });
  await new Promise<void>((done) => socket.connect(run.port, "127.0.0.1", done));
  const open = new Map<number, Buffer>();
  let next = 0;
  let settled: (() => void) | undefined;
  socket.on("error", (error) => report(run, `the socket failed: ${error.message}`));
  socket.on("message", (reply) => {
    const id = reply.length < 2 ? -1 : reply.readUInt16BE(0);
    if (id === SENTINEL) {
      settled?.();
      return;
    }
    run.replies++;
    const asked = open.get(id);
    open.delete(id);
    if (asked === undefined) report(run, "a reply to nothing, or a second one", reply);
    else if (!isAnswerable(asked)) report(run, "a reply to a reply or to a stump", asked);
    else if (reply.length < 12 || (reply[2] as number) < 0x80) report(run, "a reply that is none", reply);
    else if (reply.length > allowedOctets(asked)) report(run, `a reply of ${reply.length} octets`, asked);
  });
  return {
    send(message) {
      if (message.length >= 2) {
        message.writeUInt16BE(next, 0);
        open.set(next, message);
        next = (next + 1) % SENTINEL;
      }
      socket.send(message);
    },
    async settle() {
      const timer = setInterval(() => socket.send(SENTINEL_QUERY), PATIENCE_MILLISECONDS / 3);
      const late = setTimeout(() => {
        report(run, "no answer to a plain question");
        settled?.();
      }, PATIENCE_MILLISECONDS);
      await new Promise<void>((done) => {
        settled = done;
        socket.send(SENTINEL_QUERY);
      });
      settled = undefined;
      clearInterval(timer);
      clearTimeout(late);
    },
    close: () => socket.close(),
  };
}

const MAX_SILENT = 40;

/** One hostile TCP connection; resolves when the server has closed it, or its client has given it up. */
function runStream(run: Run): Promise<void> {
  const { chance } = run;
  run.connections++;
  const packets = Array.from({ length: 1 + chance(6) }, () => hostilePacket(chance));
  const { chunks, ending } = hostileStream(chance, packets);
  const asked = framesIn(Buffer.concat(chunks)).filter(isAnswerable);
  return new Promise((done) => {
    const socket = connect({ port: run.port, host: "127.0.0.1", noDelay: true });
    let received = Buffer.alloc(0);
    const finish = (): void => {
      run.silent.delete(giveUp);
      socket.destroy();
      const replies = framesIn(received);
      run.replies += replies.length;
      if (replies.length > asked.length) report(run, `${replies.length} replies to ${asked.length} messages`);
      for (const reply of replies) {
        if (reply.length < 12 || (reply[2] as number) < 0x80) report(run, "a reply over TCP that is none", reply);
      }
      done();
    };
    const giveUp = (): void => finish();
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
    });
    socket.on("close", finish);
    socket.on("connect", () => {
      for (const chunk of chunks) socket.write(chunk);
      if (ending === "end") socket.end();
      else if (ending === "reset") socket.resetAndDestroy();
      else {
        // Others go on while this one keeps still: the server has to end it.
        run.silent.add(giveUp);
        for (const oldest of run.silent) if (run.silent.size > MAX_SILENT) oldest();
        done();
      }
    });
  });
}

/** Every name exists, and has no records. */
function emptyAnswer(question: Buffer): Buffer {
  let end = 12;
  while (question[end] !== 0) end += 1 + (question[end] as number);
  const reply = Buffer.from(question.subarray(0, end + 5));
  reply.writeUInt16BE(0x8180, 2);
  reply.writeUInt16BE(0, 10);
  return reply;
}

const mebibytes = (): number => Math.round(process.memoryUsage.rss() / 2 ** 20);

async function attack(run: Run, clients: readonly FuzzClient[], { packets, onProgress }: FuzzInput) {
  const memory: [number, number, number] = [0, 0, 0];
  let sent = 0;
  for (let batch = 0; sent < packets; batch++) {
    const client = clients[batch % clients.length] as FuzzClient;
    for (let index = 0; index < BATCH; index++, sent++) client.send(hostilePacket(run.chance));
    const stream = batch % STREAM_EVERY === 0 ? runStream(run) : undefined;
    await client.settle();
    await stream;
    if (memory[0] === 0 && sent >= packets * WARM_UP) memory[0] = mebibytes();
    if (memory[1] === 0 && sent >= packets / 2) memory[1] = mebibytes();
    onProgress?.(sent);
  }
  for (const giveUp of [...run.silent]) giveUp();
  memory[2] = mebibytes();
  return { sent, memory };
}

const sum = (resolver: TestResolver, name: string): number =>
  resolver
    .samples()
    .filter((sample) => sample.name === name)
    .reduce((total, { value }) => total + value, 0);

/** Throws random and mutated packets at a resolver of two workers with real sockets, and watches what comes back. */
export async function fuzzResolver(input: FuzzInput): Promise<FuzzResult> {
  const upstream = await startScriptedUpstream({
    udp: (question, send) => send(emptyAnswer(question)),
    tcp: (question, socket) => void socket.write(framed(emptyAnswer(question))),
  });
  const deaths: string[] = [];
  const resolver = await startTestResolver([upstream.port], {
    workers: 2,
    lines: "cache 30\nloadbalance\nchaos\nany\nnsid",
    view: viewOf(claim("api.openai.com"), claim("*.anthropic.com", closed())),
    clientRate: { perSecond: 1e9, burst: 1e9 },
    log: createLog("error", "json", { write: (line) => void deaths.push(line), flush: () => undefined }),
  });
  const run: Run = {
    port: resolver.port,
    chance: createChance(input.seed),
    problems: [],
    silent: new Set(),
    replies: 0,
    connections: 0,
  };
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(run)));
  const startedAt = performance.now();
  try {
    const { sent, memory } = await attack(run, clients, input);
    for (const line of deaths) report(run, `the resolver says: ${line.trim().slice(0, 300)}`);
    const { connections, replies, problems } = run;
    const seconds = (performance.now() - startedAt) / 1_000;
    return { sent, connections, replies, seconds, memory, panics: sum(resolver, "coredns_panics_total"), problems };
  } finally {
    for (const client of clients) client.close();
    await resolver.close();
    await upstream.close();
  }
}
