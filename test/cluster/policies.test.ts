import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { currentCluster } from "./cluster.ts";
import { type Installation, install } from "./installation.ts";
import { type CommandResult, runInShell } from "./shell.ts";
import { startTranscript } from "./transcript.ts";

const succeeded = ({ exitCode }: CommandResult): boolean => exitCode === 0;
const cluster = currentCluster();
const { kubectl } = cluster;
let sluice: Installation;

beforeAll(async () => {
  sluice = await install(cluster);
});
afterAll(() => sluice?.close());
beforeEach(() => sluice.emptyGateways());
afterEach(() => sluice?.emptyGateways());

/** The guide's AuthPolicy as it should be: the identity is published, so that a counter can read it. */
const PUBLISHING_AUTH_POLICY = `apiVersion: kuadrant.io/v1
kind: AuthPolicy
metadata:
  name: workload-identity
  namespace: gateway-system
spec:
  targetRef:
    group: gateway.networking.k8s.io
    kind: HTTPRoute
    name: httpbin-external
  rules:
    authentication:
      workload-sa:
        kubernetesTokenReview:
          audiences:
            - https://kubernetes.default.svc.cluster.local
    authorization:
      allowed-namespaces:
        patternMatching:
          patterns:
            - predicate: auth.identity.user.username.startsWith('system:serviceaccount:egress-test:')
    response:
      success:
        filters:
          identity:
            json:
              properties:
                username:
                  selector: auth.identity.user.username`;

describe("the first guide's manifests, in its order", () => {
  test("a limit per source address is refused, with what to write instead", async () => {
    const user = startTranscript("policies/source-address", cluster);
    await user.succeedTogether("kubectl apply -f 000-egress-gateway/infrastructure.yaml");
    await sluice.untilKnown("000-egress-gateway/rate-limit.yaml");
    await user.succeed("kubectl apply -f 000-egress-gateway/rate-limit.yaml");
    const said = await user.refused("kubectl apply -f 000-egress-gateway/bad-source-address-counter.yaml");
    expect(said).toContain("rlp-source-address-counter");
    expect(said).toContain("source.remote_address");
    expect(said).toContain('spec.limits["per-client"].counters[0].expression');
    await user.refused("kubectl get ratelimitpolicy egress-source-address -n gateway-system");
    user.note("mended as the message says");
    const mended = `sed 's/"source.address"/source.remote_address/' 000-egress-gateway/bad-source-address-counter.yaml`;
    await user.succeed(`${mended} | kubectl apply -f -`);
    await user.matchesGolden();
  });

  test("a limit per workload is refused until the AuthPolicy publishes the identity", async () => {
    const user = startTranscript("policies/per-workload", cluster);
    await user.succeedTogether("kubectl apply -f 000-egress-gateway/infrastructure.yaml");
    await sluice.untilKnown("000-egress-gateway/workload-identity.yaml");
    await user.succeed("kubectl apply -f 000-egress-gateway/workload-identity.yaml");
    await sluice.untilRefused("000-egress-gateway/per-workload-rate-limit.yaml");
    const said = await user.refused("kubectl apply -f 000-egress-gateway/per-workload-rate-limit.yaml");
    expect(said).toContain("rlp-identity-not-exposed");
    expect(said).toContain("rules.response.success.filters.identity.json.properties.username");
    user.note("mended as the message says");
    await user.succeed(`kubectl apply -f - <<'EOF'\n${PUBLISHING_AUTH_POLICY}\nEOF`);
    await sluice.untilAccepted("000-egress-gateway/per-workload-rate-limit.yaml");
    await user.succeed("kubectl apply -f 000-egress-gateway/per-workload-rate-limit.yaml");
    await user.succeed("kubectl get authpolicies,ratelimitpolicies -n gateway-system -o name");
    await user.matchesGolden();
  });

  test("a limit per workload is accepted in the very command that mends the AuthPolicy before it", async () => {
    await kubectl.must(["apply", "-f", sluice.manifest("000-egress-gateway/infrastructure.yaml")]);
    await kubectl.must(["apply", "-f", sluice.manifest("000-egress-gateway/workload-identity.yaml")]);
    await sluice.untilRefused("000-egress-gateway/per-workload-rate-limit.yaml");
    const limit = "000-egress-gateway/per-workload-rate-limit.yaml";
    const both = `(cat <<'EOF'\n${PUBLISHING_AUTH_POLICY}\n---\nEOF\ncat ${limit}) | kubectl apply -f -`;
    const { output, exitCode } = await runInShell(both, cluster);
    expect(exitCode, output).toBe(0);
  });

  test("a limit per workload that comes before its AuthPolicy is accepted with a warning", async () => {
    const user = startTranscript("policies/apply-order", cluster);
    const said = await user.succeed("kubectl apply -f 000-egress-gateway/per-workload-rate-limit.yaml");
    expect(said).toMatch(/^Warning: /m);
    await user.succeed(`kubectl apply -f - <<'EOF'\n${PUBLISHING_AUTH_POLICY}\nEOF`);
    await user.succeedTogether("kubectl apply -f 000-egress-gateway/infrastructure.yaml");
    await user.matchesGolden();
  });
});

describe("a refusal", () => {
  test("is the same in a server dry run, by server-side apply and by create", async () => {
    const user = startTranscript("policies/ways-to-write", cluster);
    const file = "000-egress-gateway/bad-source-address-counter.yaml";
    await user.refused(`kubectl apply --dry-run=server -f ${file}`);
    await user.refused(`kubectl apply --server-side -f ${file}`);
    await user.refused(`kubectl create -f ${file}`);
    await user.matchesGolden();
  });

  test("tells every error of a policy at once, each at its own field", async () => {
    const user = startTranscript("policies/several-errors", cluster);
    const said = await user.refused(`kubectl apply -f - <<'EOF'
apiVersion: kuadrant.io/v1
kind: RateLimitPolicy
metadata:
  name: several
  namespace: gateway-system
spec:
  targetRef: { group: gateway.networking.k8s.io, kind: HTTPRoute, name: httpbin-external }
  limits:
    per-client:
      rates: [{ limit: 10, window: 1m }]
      counters: [{ expression: source.address }]
    broken:
      rates: [{ limit: 10, window: 1m }]
      when: [{ predicate: "request.method == 'GET" }]
EOF`);
    expect(said).toContain("rlp-source-address-counter");
    expect(said).toContain("cel-syntax-error");
    await user.matchesGolden();
  });

  test("can be set aside where the platform team allows it, with a reason", async () => {
    const user = startTranscript("policies/exemption", cluster);
    const annotate = "kubectl annotate --local -f 000-egress-gateway/bad-source-address-counter.yaml -o yaml";
    const ignore = "sluice.dev/ignore='rlp-source-address-counter: one connection per client here'";
    await user.refused(`${annotate} ${ignore} | kubectl apply -f -`);
    await user.succeed("kubectl label namespace gateway-system sluice.dev/allow-exemptions=true");
    await sluice.untilPrints(`${annotate} ${ignore} | kubectl apply --dry-run=server -f -`, succeeded);
    await user.succeed(`${annotate} ${ignore} | kubectl apply -f -`);
    await kubectl.must(["label", "namespace", "gateway-system", "sluice.dev/allow-exemptions-"]);
    await user.matchesGolden();
  });
});
