import type { Node } from "../../cel/ast.ts";
import { type AttributePath, pathOf } from "../../cel/path.ts";
import { EPHEMERAL_PORT, isTainted, taintOf } from "../../cel/taint.ts";
import type { Mend } from "../../model/edit.ts";
import type { CelSite } from "../expressions/expression-sites.ts";
import { replacing } from "./text-changes.ts";

/** Functions that hand an address on as a whole; others cut it, and may count on the port. */
const HAND_ON = new Set(["string", "lowerAscii", "upperAscii", "trim"]);

const isAddress = ({ segments, test }: AttributePath): boolean =>
  !test && segments.length === 2 && segments[1]?.name === "address" && !segments[1].optional;

/** Where a value is made of `source.address` as a whole; undefined when it is made of the port in another way. */
function addressesIn(node: Node): readonly AttributePath[] | undefined {
  if (!isTainted(taintOf(node, EPHEMERAL_PORT))) return [];
  const path = pathOf(node);
  if (path !== undefined) return isAddress(path) ? [path] : undefined;
  switch (node.kind) {
    case "ternary":
      return joined([node.whenTrue, node.whenFalse]);
    case "binary":
      return node.operator === "+" ? joined([node.left, node.right]) : undefined;
    case "call": {
      const operands = node.receiver === undefined ? node.args : [node.receiver, ...node.args];
      return HAND_ON.has(node.name) && operands.length === 1 ? joined(operands) : undefined;
    }
    default:
      return undefined;
  }
}

function joined(nodes: readonly Node[]): readonly AttributePath[] | undefined {
  const parts = nodes.map(addressesIn);
  return parts.includes(undefined) ? undefined : parts.flatMap((part) => part ?? []);
}

/** The address without its port, wherever a counter has it whole. */
export function withoutPort({ path, tree }: CelSite): Mend | undefined {
  const addresses = tree === undefined ? undefined : addressesIn(tree);
  if (addresses === undefined || addresses.length === 0) return undefined;
  const replacements = addresses.map(({ start, end }) => ({ start, end, text: "source.remote_address" }));
  return { title: "read `source.remote_address`, the address without the port", edits: replacing(path, replacements) };
}
