import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { currentCluster } from "./cluster.ts";
import { untilPodsAreAccepted } from "./control-plane/start.ts";
import { type Installation, install } from "./installation.ts";
import { startTranscript } from "./transcript.ts";

const cluster = currentCluster();
const { kubectl } = cluster;
const BAD_POLICY = "000-egress-gateway/bad-source-address-counter.yaml";
let sluice: Installation;

beforeEach(async () => {
  sluice = await install(cluster);
});
afterEach(() => sluice?.close());

async function optedIn(name: string): Promise<void> {
  await kubectl.must(["create", "namespace", name]);
  await kubectl.must(["label", "namespace", name, "sluice.dev/egress=enabled"]);
  await untilPodsAreAccepted(kubectl, name);
  await sluice.untilOptedIn(name);
}

describe("while Sluice is away, with its webhooks registered", () => {
  test("and its process ended, pods and policies are created", async () => {
    await optedIn("stopped");
    const user = startTranscript("stopped/process-ended", cluster);
    await user.succeed("kubectl run before --image=nginx -n stopped");
    const { exitCode } = await sluice.process.stop("SIGTERM");
    expect(exitCode, "a clean end on SIGTERM").toBe(0);
    await user.succeed("kubectl run during --image=nginx -n stopped");
    await user.succeed("kubectl create deployment web --image=nginx -n stopped");
    await user.succeed(`kubectl apply -f ${BAD_POLICY}`);
    await user.succeed("kubectl delete ratelimitpolicy egress-source-address -n gateway-system");
    const columns = "custom-columns=NAME:.metadata.name,NAMESERVERS:.spec.dnsConfig.nameservers";
    await user.succeed(`kubectl get pods before during -n stopped -o ${columns}`);
    await user.matchesGolden();
  });

  test("and its process hung, pods and policies are created after the webhooks' timeouts", async () => {
    await optedIn("hung");
    sluice.process.signal("SIGSTOP");
    const started = performance.now();
    await Promise.all([
      kubectl.must(["run", "during", "--image=nginx", "-n", "hung"]),
      kubectl.must(["apply", "--server-side", "-f", sluice.manifest(BAD_POLICY)]),
    ]);
    expect(performance.now() - started, "the longer timeout of the two webhooks is 5 s").toBeLessThan(7000);
    sluice.process.signal("SIGCONT");
    await kubectl.must(["delete", "ratelimitpolicy", "egress-source-address", "-n", "gateway-system"]);
    await sluice.untilOptedIn("hung");
  });
});
