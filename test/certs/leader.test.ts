import { beforeEach, describe, expect, test } from "vitest";
import { DAY_MS, makeAuthority } from "../../src/certs/authority.ts";
import { sameBundle } from "../../src/certs/ca-bundle.ts";
import { inspectCertificate, issuerIn, splitBundle } from "../../src/certs/inspect.ts";
import { type LeaderOutcome, leaderPass } from "../../src/certs/leader.ts";
import { WEBHOOK_CONFIGURATIONS } from "../../src/certs/start.ts";
import { webhookBundles } from "../../src/certs/webhook-bundles.ts";
import { createLog } from "../../src/observe/log.ts";
import { type FakeApi, fakeApi } from "./fake-api.ts";

const START = Date.parse("2026-11-21T00:00:00Z");
const MUTATING = "MutatingWebhookConfiguration";
const log = createLog("silent");

let api: FakeApi;
let clock: { now: number };
let leading: boolean;
let bundles: ReturnType<typeof webhookBundles>;

beforeEach(() => {
  api = fakeApi();
  clock = { now: START };
  leading = true;
  bundles = webhookBundles({ api, refs: WEBHOOK_CONFIGURATIONS, log, now: () => clock.now });
  api.webhooks.set(MUTATING, { "pods.sluice.dev": "" });
  api.webhooks.set("ValidatingWebhookConfiguration", { "policies.sluice.dev": "", "routes.sluice.dev": "" });
});

const pass = async (
  names = { dns: ["sluice-webhook.sluice-system.svc"], ips: [] as string[] },
): Promise<LeaderOutcome> =>
  leaderPass({ api, bundles, names, now: () => clock.now, log, leading: () => leading }, await bundles.read());

/** Passes until nothing is left to do; every one is a fresh look at what is stored, as after a crash. */
async function settle(): Promise<void> {
  for (let passes = 0; passes < 5; passes++) if ((await pass()) === "settled") return;
  throw new Error("does not settle");
}

const leaf = () => api.secrets.get("sluice-tls")?.data["tls.crt"] ?? "";
const allBundles = () => [...api.webhooks.values()].flatMap((webhooks) => Object.values(webhooks));
const generations = () =>
  splitBundle(allBundles()[0] ?? "").map((pem) => {
    const inspected = inspectCertificate(pem);
    return inspected.ok ? inspected.value.commonName.split("-")[2] : "?";
  });

/** What must hold at every moment: whoever serves the stored leaf is trusted by every webhook. */
function expectTrusted(): void {
  for (const bundle of allBundles()) expect(issuerIn(leaf(), bundle, clock.now)).toBeDefined();
}

describe("leaderPass", () => {
  test("from nothing: CA, then every caBundle, and only then a leaf", async () => {
    await settle();
    expect(api.writes).toEqual([
      "create sluice-ca",
      `apply ${MUTATING}`,
      "apply ValidatingWebhookConfiguration",
      "create sluice-tls",
    ]);
    expectTrusted();
  });

  test("changes nothing while all is well", async () => {
    await settle();
    const before = api.writes.length;
    clock.now += 59 * DAY_MS;
    await settle();
    expect(api.writes).toHaveLength(before);
  });

  test("writes nothing when leadership was lost in the middle", async () => {
    leading = false;
    expect(await pass()).toBe("again");
    expect(api.writes).toEqual([]);
  });

  test("renews the leaf in the last third of its life, with the same CA", async () => {
    await settle();
    const before = leaf();
    clock.now += 61 * DAY_MS;
    await settle();
    expect(leaf()).not.toBe(before);
    expect(generations()).toEqual(["1"]);
    expectTrusted();
  });

  test("keeps a working leaf while a caBundle cannot be written", async () => {
    await settle();
    const before = leaf();
    clock.now += 61 * DAY_MS;
    api.webhooks.set(MUTATING, { "pods.sluice.dev": "" });
    api.before = (call) => {
      if (call.startsWith("apply")) throw new Error("refused");
    };
    await expect(pass()).rejects.toThrow("refused");
    expect(leaf()).toBe(before);
  });

  test("a successor joins the bundle 90 days before the CA ends; the leaf follows in its turn, trusted throughout", async () => {
    await settle();
    const end = START + 760 * DAY_MS;
    for (; clock.now < end; clock.now += 7 * DAY_MS) {
      await settle();
      expectTrusted();
    }
    expect(generations()).toEqual(["1", "2"]);
  });

  test.each<[string, () => void, string[]]>([
    ["the TLS Secret is deleted", () => void api.secrets.delete("sluice-tls"), ["1"]],
    ["the CA Secret is deleted", () => api.secrets.delete("sluice-ca"), ["1", "2"]],
    ["both Secrets are deleted", () => api.secrets.clear(), ["1", "2"]],
    ["the CA's key is rubbish", () => damage("sluice-ca", "generation-1.key"), ["1", "2"]],
    ["the CA's certificate is rubbish", () => damage("sluice-ca", "generation-1.crt"), ["1", "2"]],
    ["the CA Secret names no generation", () => damage("sluice-ca", "active"), ["1", "2"]],
    ["the leaf is rubbish", () => damage("sluice-tls", "tls.crt"), ["1"]],
    ["the leaf's key is rubbish", () => damage("sluice-tls", "tls.key"), ["1"]],
    ["a caBundle is emptied", () => api.webhooks.set(MUTATING, { "pods.sluice.dev": "" }), ["1"]],
    ["all is lost", () => loseEverything(), ["1"]],
    ["the cluster was off for two years", () => passTime(800), ["1", "2"]],
  ])("recovers when %s", async (_title, harm, expected) => {
    await settle();
    harm();
    await settle();
    expectTrusted();
    expect(generations()).toEqual(expected);
  });

  test("replaces a foreign CA in caBundle instead of vouching for it", async () => {
    await settle();
    const ours = allBundles()[0] ?? "";
    api.webhooks.set(MUTATING, { "pods.sluice.dev": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" });
    await settle();
    expect(allBundles().every((bundle) => sameBundle(bundle, ours))).toBe(true);
  });

  test("adds to what another leader has written, and never takes its CA away", async () => {
    await settle();
    const other = await makeAuthority({ generation: 2, now: clock.now });
    api.webhooks.set(MUTATING, { "pods.sluice.dev": other.cert });
    await settle();
    expect(generations()).toEqual(["1", "2"]);
    expect(allBundles().every((bundle) => bundle.includes(other.cert))).toBe(true);
    expectTrusted();
  });

  test("signs anew when the names have changed", async () => {
    await settle();
    const before = leaf();
    await pass({ dns: ["sluice-webhook.elsewhere.svc"], ips: [] });
    expect(leaf()).not.toBe(before);
  });

  test("looks again when another leader was quicker", async () => {
    await settle();
    api.secrets.delete("sluice-tls");
    api.before = (call) => {
      if (call === "create sluice-tls") api.secrets.set("sluice-tls", { resourceVersion: "x", data: {} });
    };
    expect(await pass()).toBe("again");
    api.before = () => {};
    await settle();
    expectTrusted();
  });
});

describe("webhookBundles", () => {
  test("does not race a program that empties caBundle again and again, and tries again later", async () => {
    await settle();
    const applied = () => api.writes.filter((write) => write === `apply ${MUTATING}`).length;
    for (let round = 0; round < 10; round++) {
      api.webhooks.set(MUTATING, { "pods.sluice.dev": "" });
      clock.now += 1000;
      await settle();
    }
    expect(applied()).toBe(4);
    expect(
      bundles.samples((bundle) => bundle !== "").find(({ labels }) => labels["webhook"] === "pods.sluice.dev")?.value,
    ).toBe(0);
    clock.now += 61_000;
    await settle();
    expect(applied()).toBe(5);
    expectTrusted();
  });
});

function damage(secret: string, key: string): void {
  const before = api.secrets.get(secret);
  api.secrets.set(secret, { resourceVersion: "damaged", data: { ...before?.data, [key]: "rubbish" } });
}

function loseEverything(): void {
  api.secrets.clear();
  api.webhooks.delete("ValidatingWebhookConfiguration");
  api.webhooks.set(MUTATING, { "pods.sluice.dev": "" });
}

function passTime(days: number): void {
  clock.now += days * DAY_MS;
}
