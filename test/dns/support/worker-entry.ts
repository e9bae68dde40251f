import { isResolverWorker, runResolverWorker } from "../../../src/dns/server/worker.ts";

// What the program's own file does when it finds itself in a resolver thread.
if (isResolverWorker()) await runResolverWorker();
