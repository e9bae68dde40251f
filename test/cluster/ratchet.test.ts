import { afterAll, beforeAll, expect, test } from "vitest";
import { currentCluster } from "./cluster.ts";
import { deleteGatewayObjects, type Installation, install } from "./installation.ts";
import { startTranscript } from "./transcript.ts";

const cluster = currentCluster();
const BAD_POLICY = "000-egress-gateway/bad-source-address-counter.yaml";
let sluice: Installation | undefined;

beforeAll(() => deleteGatewayObjects(cluster));
afterAll(() => sluice?.close());

test("a bad policy that was there before Sluice can be handled, but gets no new error", async () => {
  const user = startTranscript("ratchet/old-policy", cluster);
  user.note("before Sluice is installed nothing refuses the policy");
  await user.succeed(`kubectl apply -f ${BAD_POLICY}`);
  sluice = await install(cluster);
  user.note("after: what was bad already may stay, and the rest of the object can be changed");
  const policy = "ratelimitpolicy egress-source-address -n gateway-system";
  await user.succeed(`kubectl label ${policy} team=shop`);
  await user.succeed(`kubectl annotate ${policy} owner=shop`);
  await user.succeed(`kubectl apply -f ${BAD_POLICY}`);
  const patch = (value: object) => `kubectl patch ${policy} --type=merge -p '${JSON.stringify({ spec: value })}'`;
  const rates = [{ limit: 20, window: "1m" }];
  await user.succeed(patch({ limits: { "per-client": { rates } } }));
  user.note("a new error is refused, the old one stands beside it as a warning");
  const counters = [{ expression: "source.port" }];
  const said = await user.refused(patch({ limits: { "per-port": { rates, counters } } }));
  expect(said).toContain('spec.limits["per-port"].counters[0].expression');
  user.note("a finalizer can be taken off, and the policy deleted");
  const finalizers = (value: string[]) =>
    `kubectl patch ${policy} --type=merge -p '${JSON.stringify({ metadata: { finalizers: value } })}'`;
  await user.succeed(finalizers(["example.com/hold"]));
  await user.succeed(`kubectl delete ${policy} --wait=false`);
  await user.succeed(finalizers([]));
  await user.refused(`kubectl get ${policy}`);
  await user.matchesGolden();
});
