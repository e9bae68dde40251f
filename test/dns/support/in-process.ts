import { createDroppedCounts, createQuestionCounts } from "../../../src/dns/metrics/question-counts.ts";
import { buildBlock } from "../../../src/dns/pipeline/build-block.ts";
import { makePlan } from "../../../src/dns/pipeline/plan.ts";
import { createAnswerer } from "../../../src/dns/server/answerer.ts";
import type { Client } from "../../../src/dns/server/client.ts";
import { clientOf } from "../../../src/dns/server/client.ts";
import type { EgressTable } from "../../../src/dns/table.ts";
import { contextOf, type TestContext } from "./exchange.ts";
import { serversOf } from "./resolver.ts";

/** One server block of zone `.` at work in this thread, from the gate to the octets of the answer. */
export type InProcess = {
  /** Undefined: nothing is sent. `onSent` is called at the very moment, before anything else can happen. */
  ask(message: Buffer, client?: Client, onSent?: () => void): Promise<Buffer | undefined>;
  readonly context: TestContext;
  /** What was wrong with us. */
  readonly faults: unknown[];
  close(): void;
};

const CLIENT = clientOf("10.0.0.9", 4242, "tcp", "10.0.0.1");

/** Builds the block of a Corefile; `table` is read anew for every question. */
export async function startInProcess(corefile: string, table: () => EgressTable): Promise<InProcess> {
  const plan = makePlan(serversOf(corefile), { host: "127.0.0.1", port: 0 });
  const [server] = plan.servers;
  if (server === undefined) throw new Error("a test's Corefile has no server block");
  const context = contextOf({ table });
  const block = await buildBlock(server, context);
  const facts = block.facts.get("");
  if (facts === undefined) throw new Error("a test's server block has not the zone '.'");
  const counts = createQuestionCounts(context.meter, { server: "dns://:53", zone: "." });
  const zones = new Map([["", { block, facts, counts }]]);
  const routes = { zones, dropped: createDroppedCounts(context.meter, "dns://:53") };
  const faults: unknown[] = [];
  const answerer = createAnswerer({ routes: () => routes, access: () => true, onFault: (error) => faults.push(error) });
  return {
    ask: (message, client = CLIENT, onSent = () => undefined) =>
      new Promise((resolve) => {
        answerer(message, client, (_client, bytes) => {
          onSent();
          resolve(bytes === undefined ? undefined : Buffer.from(bytes));
        });
      }),
    context,
    faults,
    close: () => block.close(),
  };
}
