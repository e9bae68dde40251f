import { request } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { auditOf } from "./audit-log.ts";
import { currentCluster } from "./cluster.ts";
import { type Installation, install } from "./installation.ts";
import type { CommandResult } from "./shell.ts";
import { startTranscript } from "./transcript.ts";

const cluster = currentCluster();
const { kubectl } = cluster;
const BAD_POLICY = "000-egress-gateway/bad-source-address-counter.yaml";
const NAME = "egress-source-address";
const RULE = "rlp-source-address-counter";
const DRY_RUN = `kubectl apply --dry-run=server -f ${BAD_POLICY}`;
let sluice: Installation;

beforeAll(async () => {
  sluice = await install(cluster);
});
afterAll(() => sluice?.close());
beforeEach(() => sluice.emptyGateways());
afterEach(async () => {
  await kubectl.must(["label", "namespace", "gateway-system", "sluice.dev/lint-", "sluice.dev/allow-exemptions-"]);
  await writeProfile("lint: {}");
  await sluice.emptyGateways();
});

/** The ConfigMap as a platform team edits it. */
const writeProfile = (text: string) => {
  const patch = JSON.stringify({ data: { "profile.yaml": text } });
  return kubectl.must(["patch", "configmap", "sluice-profile", "-n", "sluice-system", "--type=merge", "-p", patch]);
};
const refused = ({ exitCode, output }: CommandResult): boolean => exitCode !== 0 && output.includes(RULE);
const warned = ({ exitCode, output }: CommandResult): boolean => exitCode === 0 && output.includes(`Warning: ${RULE}`);
const silent = ({ exitCode, output }: CommandResult): boolean => exitCode === 0 && !output.includes(RULE);

const metrics = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const asked = request(`http://127.0.0.1:${sluice.ports.metrics}/metrics`, { agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve(Buffer.concat(chunks).toString()));
    });
    asked.on("error", reject);
    asked.end();
  });

test("the profile ConfigMap is followed: warn, off, deny, for a namespace alone, and refused edits change nothing", async () => {
  await sluice.untilPrints(DRY_RUN, refused);
  await writeProfile(`lint: {rules: {${RULE}: warn}}`);
  await sluice.untilPrints(DRY_RUN, warned);
  await writeProfile(`lint: {rules: {${RULE}: loud}}`);
  await sluice.untilPrints(`curl -s http://127.0.0.1:${sluice.ports.metrics}/metrics`, ({ output }) =>
    output.includes("sluice_profile_current 0"),
  );
  expect(await metrics()).toMatch(/sluice_profile_loads_total\{outcome="rejected"\} 1/);
  await sluice.untilPrints(DRY_RUN, warned);
  await writeProfile(`lint: {rules: {${RULE}: off}}`);
  await sluice.untilPrints(DRY_RUN, silent);
  await writeProfile(`lint: {rules: {${RULE}: off}, namespaces: [{names: [gateway-system], rules: {${RULE}: deny}}]}`);
  await sluice.untilPrints(DRY_RUN, refused);
});

test("a rule that only warns is made to refuse", async () => {
  const user = startTranscript("levels/raised", cluster);
  await writeProfile("lint: {rules: {destinationrule-weak-verification: deny}}");
  await sluice.untilPrints("kubectl apply --dry-run=server -f 000-egress-gateway/infrastructure.yaml", ({ output }) =>
    /destinationrule-weak-verification: .* \(sluice\)/.test(output),
  );
  const rule = "kubectl apply --dry-run=server -f 000-egress-gateway/infrastructure.yaml 2>&1 | grep weak-verification";
  expect(await user.succeed(rule)).toContain("(sluice)");
  await user.matchesGolden();
});

test("the namespace's label lowers, silences, and is told about when it means nothing", async () => {
  const label = (value: string) =>
    kubectl.must(["label", "namespace", "gateway-system", "--overwrite", `sluice.dev/lint=${value}`]);
  const user = startTranscript("levels/label", cluster);
  await label("warn");
  await sluice.untilPrints(DRY_RUN, warned);
  await user.succeed(DRY_RUN);
  await label("off");
  await sluice.untilPrints(DRY_RUN, silent);
  await user.succeed(DRY_RUN);
  await label("loud");
  await sluice.untilPrints(DRY_RUN, refused);
  await user.refused(DRY_RUN);
  await user.matchesGolden();
});

test("the audit log tells what was decided, by which rules and levels, and what was set aside", async () => {
  await sluice.untilPrints(`kubectl create -f ${BAD_POLICY}`, refused);
  expect(await auditOf(cluster, NAME, "create")).toMatchObject({
    decision: "denied",
    reason: RULE,
    profile: "default",
  });

  await writeProfile(`lint: {profile: strict, rules: {${RULE}: warn}}`);
  await sluice.untilPrints(DRY_RUN, warned);
  await kubectl.must(["create", "-f", sluice.manifest(BAD_POLICY)]);
  const created = await auditOf(cluster, NAME, "create");
  expect(created).toMatchObject({ decision: "allowed", profile: "strict", levels: `${RULE}=warn` });
  expect(created["findings"]?.split(",")).toContain(RULE);

  await writeProfile("lint: {}");
  await kubectl.must(["label", "namespace", "gateway-system", "sluice.dev/allow-exemptions=true"]);
  const exempt = ["annotate", "ratelimitpolicy", NAME, "-n", "gateway-system", "--overwrite"];
  await sluice.untilPrints(
    `kubectl ${exempt.join(" ")} "sluice.dev/ignore=${RULE}: attempt $(date +%N)" && tail -1 ${cluster.auditLog}`,
    ({ output }) => output.includes(`exempted":"${RULE}"`),
  );
  expect(await metrics()).toMatch(new RegExp(`sluice_admission_exemptions_total\\{rule="${RULE}"\\} [1-9]`));
});
