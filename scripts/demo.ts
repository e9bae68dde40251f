// Plays Sluice's main job against a real API server that it starts and removes: `npm run demo`.
import { styleText } from "node:util";
import { findBinaries } from "../test/cluster/control-plane/binaries.ts";
import { type ControlPlane, startControlPlane } from "../test/cluster/control-plane/start.ts";
import { programGateway, writeStatus } from "../test/cluster/gateway-controller.ts";
import { type Installation, install, NAMESERVER } from "../test/cluster/installation.ts";
import { createStory, type Story } from "./demo-story.ts";

const EXIT_INTERRUPTED = 130;
const REAL_ADDRESS = "203.0.113.20";
const GATEWAY_ADDRESS = "10.96.244.188";
const NEW_GATEWAY_ADDRESS = "198.51.100.7";
const progress = (line: string): void => void process.stderr.write(`${styleText("dim", `… ${line}`)}\n`);

/** What has been started, the newest last; closed in the opposite order. */
const started: { close(): Promise<void> }[] = [];
const keep = <T extends { close(): Promise<void> }>(handle: T): T => {
  started.push(handle);
  return handle;
};

// The processes and folders of the demo are removed by helpers of their own when this process ends, however it ends.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(EXIT_INTERRUPTED));

try {
  await demo();
} catch (error) {
  process.stderr.write(
    `${styleText("red", "the demo broke:")} ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
} finally {
  for (const handle of started.reverse()) await handle.close();
}
if (process.exitCode === undefined)
  process.stdout.write("\nThat was all of it; what was started for it is gone again.\n");

async function demo(): Promise<void> {
  const binaries = await findBinaries(progress);
  progress("starting etcd, kube-apiserver and kube-controller-manager");
  const plane = keep(await startControlPlane(binaries));
  progress("installing the definitions of Gateway API, Istio and Kuadrant");
  await plane.installCrds(["gateway-api", "istio", "kuadrant"]);
  progress("starting Sluice and registering its webhooks");
  const sluice = keep(await install(plane));
  const story = createStory(plane);
  await theGateway(story, plane, sluice);
  await theWorkload(story, sluice);
  await thePolicies(story, sluice);
  await theMove(story, plane, sluice);
}

async function theGateway(story: Story, plane: ControlPlane, sluice: Installation): Promise<void> {
  story.chapter("An egress gateway for api.openai.com");
  await story.run("kubectl apply -f 001-openai/infrastructure.yaml", { prints: /gateway\S* created/ });
  story.say("Istio would now start the gateway; here its Service and status are written as Istio writes them.");
  await programGateway(plane, "kuadrant-egressgateway");
  await story.run("kubectl get gateway kuadrant-egressgateway -n gateway-system", { prints: /svc\.cluster\.local/ });
  await sluice.untilResolves("api.openai.com", [GATEWAY_ADDRESS]);
}

async function theWorkload(story: Story, sluice: Installation): Promise<void> {
  const nameservers =
    "-o custom-columns=POD:.metadata.name,POLICY:.spec.dnsPolicy,NAMESERVERS:.spec.dnsConfig.nameservers";
  story.chapter("A pod as it was: it asks cluster DNS and reaches the provider itself");
  await story.run("kubectl create namespace ai-workloads");
  await story.settle(`kubectl get serviceaccount default -n ai-workloads`);
  await story.run("kubectl run before --image=curlimages/curl:8.12.1 -n ai-workloads", { prints: /created/ });
  await story.run(`kubectl get pods -n ai-workloads ${nameservers}`, { prints: /ClusterFirst\s+<none>/ });
  await story.query("cluster DNS", sluice.upstream, "api.openai.com", [REAL_ADDRESS]);

  story.chapter("The namespace is labelled: new pods ask Sluice, and Sluice answers with the gateway");
  await story.run("kubectl label namespace ai-workloads sluice.dev/egress=enabled", { prints: /labeled/ });
  await sluice.untilOptedIn("ai-workloads");
  await story.run("kubectl run after --image=curlimages/curl:8.12.1 -n ai-workloads", { prints: /created/ });
  const routed = new RegExp(`after\\s+None\\s+\\[${NAMESERVER}\\]`);
  await story.run(`kubectl get pods -n ai-workloads ${nameservers}`, { prints: routed });
  await story.query("Sluice's resolver", sluice.ports.dns, "api.openai.com", [GATEWAY_ADDRESS]);
  story.say("Everything else is what it was:");
  await story.query("Sluice's resolver", sluice.ports.dns, "outside.example", ["203.0.113.80"]);
}

async function thePolicies(story: Story, sluice: Installation): Promise<void> {
  story.chapter("A policy that cannot work is refused where it is applied");
  const bad = "001-openai/rate-limit.yaml";
  await story.run("kubectl apply -f 001-openai/access-control.yaml", { prints: /created/ });
  await sluice.untilRefused(bad);
  await story.run(`kubectl apply -f ${bad}`, { exitCode: 1, prints: /rlp-identity-not-exposed/ });
  story.chapter("Mended as the message says, it is accepted");
  const publish = {
    spec: {
      rules: {
        response: {
          success: {
            filters: { identity: { json: { properties: { username: { selector: "auth.identity.user.username" } } } } },
          },
        },
      },
    },
  };
  await story.run(
    `kubectl patch authpolicy openai-access-control -n gateway-system --type=merge \\\n    -p '${JSON.stringify(publish)}'`,
    { prints: /patched/ },
  );
  await sluice.untilAccepted(bad);
  await story.run(`kubectl apply -f ${bad}`, { prints: /created/ });
}

async function theMove(story: Story, plane: ControlPlane, sluice: Installation): Promise<void> {
  story.chapter("The gateway gets another address, and the answer follows");
  story.say(`The Gateway's status now says ${NEW_GATEWAY_ADDRESS}.`);
  await writeStatus(plane, "kuadrant-egressgateway", {
    addresses: [{ type: "IPAddress", value: NEW_GATEWAY_ADDRESS }],
  });
  await story.run(
    "kubectl get gateway kuadrant-egressgateway -n gateway-system -o jsonpath='{.status.addresses[0].value}'",
    { prints: /198\.51\.100\.7/ },
  );
  await sluice.untilResolves("api.openai.com", [NEW_GATEWAY_ADDRESS]);
  await story.query("Sluice's resolver", sluice.ports.dns, "api.openai.com", [NEW_GATEWAY_ADDRESS]);
}
