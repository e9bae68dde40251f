import { readFile } from "node:fs/promises";
import type { Cluster } from "./cluster.ts";
import { until } from "./wait.ts";

type AuditEvent = {
  readonly verb: string;
  readonly objectRef?: { readonly name?: string; readonly resource?: string };
  readonly annotations?: Readonly<Record<string, string>>;
};

/** What our webhook entry said about the last change of an object, by annotation, without the entry's name. */
export function auditOf(
  { auditLog }: Cluster,
  name: string,
  verb: "create" | "patch" | "delete",
): Promise<Readonly<Record<string, string>>> {
  return until(`the audit log has a ${verb} of ${name}`, async () => {
    const lines = (await readFile(auditLog, "utf8")).trimEnd().split("\n");
    const events = lines.map((line) => JSON.parse(line) as AuditEvent);
    const event = events.findLast((each) => each.verb === verb && each.objectRef?.name === name);
    return event === undefined ? undefined : ours(event.annotations ?? {});
  });
}

const ours = (annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(annotations).flatMap(([key, value]) => {
      const [, own] = /^[a-z]+\.sluice\.dev\/(.+)$/.exec(key) ?? [];
      return own === undefined ? [] : [[own, value] as const];
    }),
  );
