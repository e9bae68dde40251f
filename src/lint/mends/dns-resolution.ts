import type { Mend } from "../../model/edit.ts";
import { isWildcard } from "../../model/hostname.ts";
import type { Kinds } from "../../model/kinds.ts";
import { refOf } from "../../model/topology.ts";

/** `resolution: DNS`, for an entry of plain hosts: one with endpoints or a wildcard has other ways. */
export function resolvedByDns(entry: Kinds["ServiceEntry"]): Mend | undefined {
  const { hosts = [], endpoints = [], workloadSelector } = entry.spec ?? {};
  if (hosts.length === 0 || hosts.some(isWildcard) || endpoints.length > 0 || workloadSelector !== undefined) {
    return undefined;
  }
  return {
    title: "set `resolution: DNS`",
    edits: [{ op: "set", path: ["spec", "resolution"], value: "DNS", object: refOf(entry) }],
  };
}
