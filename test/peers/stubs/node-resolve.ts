/**
 * Looks a name up with Node's `dns.resolve`, which is c-ares without a search list.
 * Usage: node-resolve.ts NAME [4|6]. Prints an address a line, or the error; exits with 1 when there is no address.
 */
import { resolve4, resolve6 } from "node:dns/promises";

const [name = "", family = "0"] = process.argv.slice(2);
const asked = [...(family === "6" ? [] : [resolve4(name)]), ...(family === "4" ? [] : [resolve6(name)])];
const outcomes = await Promise.allSettled(asked);
const found = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? outcome.value : []));
for (const address of found) console.log(address);
if (found.length === 0) {
  for (const outcome of outcomes) if (outcome.status === "rejected") console.log(`error: ${outcome.reason}`);
  process.exitCode = 1;
}
