import { corednsBinary } from "../../bench/peers/coredns-binary.ts";
import { celGoBinary } from "./cel-go/ask.ts";
import { need } from "./support/needed.ts";
import { buildStubPrograms } from "./support/stub-programs.ts";

/** Vitest's global set-up of the project `peers`: everything that takes minutes to build is built before a test's time runs. */
export default async function setup(): Promise<void> {
  need("unshare", "nsenter", "ip", "gcc", "musl-gcc", "dig", "kdig", "drill");
  await corednsBinary();
  await celGoBinary();
  await buildStubPrograms();
}
