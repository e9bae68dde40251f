import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { currentCluster } from "./cluster.ts";
import { untilPodsAreAccepted } from "./control-plane/start.ts";
import { GATEWAY_SERVICE_ADDRESS, programGateway } from "./gateway-controller.ts";
import { type Installation, install, NAMESERVER } from "./installation.ts";
import { startTranscript, type Transcript } from "./transcript.ts";

const cluster = currentCluster();
const { kubectl } = cluster;
let sluice: Installation;

beforeAll(async () => {
  sluice = await install(cluster);
});
afterAll(() => sluice?.close());
afterEach(() => sluice?.emptyGateways());

const NAMESERVERS = "custom-columns=NAME:.metadata.name,POLICY:.spec.dnsPolicy,NAMESERVERS:.spec.dnsConfig.nameservers";

/** What the guides write for a test client; their pods differ in name, namespace and image version only. */
const clientPod = (name: string, namespace: string, image: string) => `kubectl apply -f - <<'EOF'
apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  containers:
    - name: curl
      image: ${image}
      command: ["sleep", "infinity"]
  restartPolicy: Never
EOF`;

async function optedInNamespace(user: Transcript, name: string): Promise<void> {
  await user.succeed(`kubectl create namespace ${name}`);
  await user.succeed(`kubectl label namespace ${name} sluice.dev/egress=enabled`);
  await untilPodsAreAccepted(kubectl, name);
  await sluice.untilOptedIn(name);
}

/** The guides wait for their pods and run curl in them; that needs a node, and this level has none. */
const NO_NODE = "the guide's 'kubectl wait' for pods and 'kubectl exec' need a node; this control plane has none";
const badClient = (image: string) =>
  `kubectl run bad-client --image=${image} -n default --restart=Never --command -- sleep infinity`;

test("000: the egress gateway and its policies", async () => {
  const user = startTranscript("guides/000-egress-gateway", cluster);
  user.note(NO_NODE);
  await optedInNamespace(user, "egress-test");
  await user.succeed(clientPod("test-client", "egress-test", "curlimages/curl:latest"));
  await user.succeedTogether("kubectl apply -f 000-egress-gateway/infrastructure.yaml");
  await programGateway(cluster, "kuadrant-egressgateway");
  await user.succeed(
    "export EGRESS_IP=$(kubectl get gtw kuadrant-egressgateway -n gateway-system \\\n    -o jsonpath='{.status.addresses[0].value}'); echo $EGRESS_IP",
  );
  await sluice.untilKnown("000-egress-gateway/rate-limit.yaml");
  await user.succeed("kubectl apply -f 000-egress-gateway/rate-limit.yaml");
  await user.succeed("kubectl apply -f 000-egress-gateway/workload-identity.yaml");
  await user.succeed(badClient("curlimages/curl:latest"));
  await user.succeed(`kubectl get pod test-client -n egress-test -o ${NAMESERVERS}`);
  await user.succeed(`kubectl get pod bad-client -n default -o ${NAMESERVERS}`);
  await user.succeed("kubectl delete pod bad-client -n default");
  await sluice.untilRefused("000-egress-gateway/per-workload-rate-limit.yaml");
  await user.refused("kubectl apply -f 000-egress-gateway/per-workload-rate-limit.yaml");
  await sluice.untilResolves("httpbin.org", [GATEWAY_SERVICE_ADDRESS]);
  await user.matchesGolden();
  await kubectl.must(["delete", "namespace", "egress-test", "--wait=false"]);
});

test("001: OpenAI through the gateway", async () => {
  const user = startTranscript("guides/001-openai", cluster);
  user.note(NO_NODE);
  await user.succeedTogether("kubectl apply -f 001-openai/infrastructure.yaml");
  await programGateway(cluster, "kuadrant-egressgateway");
  await user.succeed(
    "kubectl wait --for=condition=Programmed gateway/kuadrant-egressgateway -n gateway-system --timeout=120s",
  );
  await optedInNamespace(user, "ai-workloads");
  await user.succeed(clientPod("test-client", "ai-workloads", "curlimages/curl:8.12.1"));
  await user.succeed(`kubectl get pod test-client -n ai-workloads -o ${NAMESERVERS}`);
  await sluice.untilKnown("001-openai/access-control.yaml");
  await user.succeed("kubectl apply -f 001-openai/access-control.yaml");
  await sluice.untilRefused("001-openai/rate-limit.yaml");
  await user.refused("kubectl apply -f 001-openai/rate-limit.yaml");
  await user.succeed("kubectl delete authpolicy openai-access-control -n gateway-system");
  const again = "kubectl apply --dry-run=server -f 001-openai/credential-injection.yaml";
  await sluice.untilPrints(again, ({ output }) => !output.includes("openai-access-control"));
  await user.succeed("kubectl apply -f 001-openai/credential-injection.yaml");
  await user.succeed(badClient("curlimages/curl:8.12.1"));
  await user.succeed("kubectl delete pod bad-client -n default");
  await sluice.untilResolves("api.openai.com", [GATEWAY_SERVICE_ADDRESS]);
  await user.matchesGolden();
  await kubectl.must(["delete", "namespace", "ai-workloads", "--wait=false"]);
});

test("002: an ambient mesh's egress waypoint, with its clean-up", async () => {
  const user = startTranscript("guides/002-ambient-waypoint", cluster);
  user.note("the guide's rollouts, logs and 'kubectl exec' need a mesh; this control plane has none");
  await user.succeedTogether("kubectl apply -f 002-ambient-waypoint/infrastructure.yaml");
  await sluice.untilKnown("002-ambient-waypoint/authorization.yaml");
  await user.succeed("kubectl apply -f 002-ambient-waypoint/authorization.yaml");
  await user.succeed("kubectl apply -f 002-ambient-waypoint/header-manipulation.yaml");
  await user.succeedTogether("kubectl apply -f 002-ambient-waypoint/tls-origination.yaml");
  await user.succeed("kubectl delete authorizationpolicy httpbin -n istio-egress");
  await user.succeed("kubectl delete virtualservice httpbin -n istio-egress");
  await user.succeed("kubectl delete serviceentry httpbin.org -n istio-egress");
  await user.succeed("kubectl delete destinationrule httpbin.org-tls -n istio-egress");
  await user.succeed("kubectl delete gateway egress-waypoint -n istio-egress");
  await user.succeed("kubectl delete namespace istio-egress");
  await user.matchesGolden();
});

test("003: credentials from Vault, with its clean-up", async () => {
  const user = startTranscript("guides/003-credential-injection", cluster);
  user.note(NO_NODE);
  await user.succeedTogether("kubectl apply -f 003-credential-injection/infrastructure.yaml");
  await sluice.untilKnown("003-credential-injection/credential-injection.yaml");
  await user.succeed("kubectl apply -f 003-credential-injection/credential-injection.yaml");
  await user.succeed(badClient("curlimages/curl:latest"));
  await user.succeed("kubectl delete pod bad-client -n default");
  await optedInNamespace(user, "workload-b");
  await user.succeed(clientPod("test-client-b", "workload-b", "curlimages/curl:latest"));
  await user.succeed(`kubectl get pod test-client-b -n workload-b -o ${NAMESERVERS}`);
  type Pod = { spec: { dnsConfig: { nameservers: string[] } } };
  const pod = await kubectl.get<Pod>(["pod", "test-client-b", "-n", "workload-b"]);
  expect(pod.spec.dnsConfig.nameservers).toEqual([NAMESERVER]);
  user.note("the guide's clean-up");
  await user.succeed("kubectl delete authpolicy httpbin-external-auth -n gateway-system --ignore-not-found");
  await user.succeed("kubectl delete pod bad-client -n default --ignore-not-found");
  await user.succeed("kubectl delete pod test-client-b -n workload-b --ignore-not-found");
  await user.succeed("kubectl delete namespace workload-b --ignore-not-found");
  await user.matchesGolden();
});
