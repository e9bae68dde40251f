/**
 * Looks a name up with Node's `dns.lookup`, which is the C library's resolver in a thread.
 * Usage: node-lookup.ts NAME [4|6]. Prints an address a line, or the error; exits with 1 after an error.
 */
import { lookup } from "node:dns/promises";

const [name = "", family = "0"] = process.argv.slice(2);
try {
  const found = await lookup(name, { all: true, family: Number(family) });
  for (const { address } of found) console.log(address);
} catch (error) {
  console.log(`error: ${(error as Error).message}`);
  process.exitCode = 1;
}
