import { join } from "node:path";
import { runGo } from "../../test/cluster/control-plane/binaries.ts";
import { builtOnce } from "./built-once.ts";

const MODULE_FOLDER = join(import.meta.dirname, "coredns");

/** CoreDNS as its Go module has it, all its own plugins in. The first call takes about 95 s on two cores. */
export const corednsBinary = (): Promise<string> =>
  builtOnce({
    name: "coredns",
    sources: [join(MODULE_FOLDER, "go.mod"), join(MODULE_FOLDER, "go.sum")],
    make: (output) =>
      runGo(
        ["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", output, "github.com/coredns/coredns"],
        {
          cwd: MODULE_FOLDER,
        },
      ),
  });
