import { X509Certificate } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, describe, expect, test } from "vitest";
import { DAY_MS } from "../../src/certs/authority.ts";
import { startFileCertificates } from "../../src/certs/file-store.ts";
import { ensureCertificateFiles } from "../../src/certs/files.ts";
import { inspectPair, issuerIn } from "../../src/certs/inspect.ts";

const NAMES = { dns: ["localhost"], ips: ["127.0.0.1", "::1"] };
const START = Date.parse("2026-11-21T00:00:00Z");
const root = mkdtempSync(join(tmpdir(), "sluice-files-"));
afterAll(() => rmSync(root, { recursive: true }));

let folders = 0;
const newFolder = (): string => join(root, `certs-${folders++}`);

/** A store with a clock and a log that the test can read. */
function storeIn(directory: string) {
  const lines: { level: number; msg: string; reason?: string }[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const clock = { now: START };
  const wanted = { directory, names: NAMES, now: () => clock.now, log };
  return {
    ...{ lines, clock, wanted, directory },
    ensure: (names = NAMES) => ensureCertificateFiles({ ...wanted, names }),
    file: (name: string) => readFileSync(join(directory, name), "utf8"),
    put: (name: string, text: string) => writeFileSync(join(directory, name), text),
  };
}

const serial = (pem: string): string => new X509Certificate(pem).serialNumber;

describe("ensureCertificateFiles", () => {
  test("makes the folder and four files, keys for their owner alone, nothing left over", async () => {
    const store = storeIn(newFolder());
    const made = await store.ensure();
    expect(inspectPair(made).ok && issuerIn(made.cert, made.caBundle, START)).toBeTruthy();
    expect(readdirSync(store.directory).sort()).toEqual(["ca.crt", "ca.key", "tls.crt", "tls.key"]);
    expect(statSync(store.directory).mode & 0o777).toBe(0o700);
    for (const key of ["ca.key", "tls.key"]) expect(statSync(join(store.directory, key)).mode & 0o777).toBe(0o600);
    expect(store.lines.map(({ level }) => level)).toEqual([30]);
  });

  test("uses them again as long as they are good", async () => {
    const store = storeIn(newFolder());
    const first = await store.ensure();
    store.clock.now += 59 * DAY_MS;
    expect(await store.ensure()).toEqual(first);
    expect(store.lines).toHaveLength(1);
  });

  test.each([
    ["a third of the life is left", 61 * DAY_MS],
    ["it has ended", 400 * DAY_MS],
  ])("signs anew with the same CA when %s", async (_title, later) => {
    const store = storeIn(newFolder());
    const first = await store.ensure();
    store.clock.now += later;
    const second = await store.ensure();
    expect(serial(second.cert)).not.toBe(serial(first.cert));
    expect(second.caBundle).toBe(first.caBundle);
    expect(issuerIn(second.cert, second.caBundle, store.clock.now)).toBeDefined();
  });

  test("makes a new CA, and says so, when the old one is near its end", async () => {
    const store = storeIn(newFolder());
    const first = await store.ensure();
    store.clock.now += 729 * DAY_MS;
    const second = await store.ensure();
    expect(second.caBundle).not.toBe(first.caBundle);
    expect(store.lines.some(({ msg }) => msg.startsWith("making a new CA"))).toBe(true);
  });

  test("signs anew with the same CA when the names have changed", async () => {
    const store = storeIn(newFolder());
    const first = await store.ensure();
    const second = await store.ensure({ dns: ["localhost", "sluice.example.org"], ips: NAMES.ips });
    expect(second.caBundle).toBe(first.caBundle);
    expect(new X509Certificate(second.cert).checkHost("sluice.example.org")).toBe("sluice.example.org");
  });

  type Damage = (store: ReturnType<typeof storeIn>, other: ReturnType<typeof storeIn>) => void;
  test.each<[string, RegExp, Damage]>([
    ["tls.crt is rubbish", /tls\.crt is not a PEM certificate/, (store) => store.put("tls.crt", "rubbish")],
    [
      "tls.crt is cut off",
      /tls\.crt is not a PEM/,
      (store) => store.put("tls.crt", store.file("tls.crt").slice(0, 200)),
    ],
    ["tls.key is rubbish", /private key beside it that cannot be read/, (store) => store.put("tls.key", "rubbish")],
    [
      "tls.key is another's",
      /does not belong to the private key/,
      (store, other) => store.put("tls.key", other.file("tls.key")),
    ],
    [
      "ca.crt is another's",
      /not signed by a valid CA in ca\.crt/,
      (store, other) => store.put("ca.crt", other.file("ca.crt")),
    ],
    ["ca.crt is empty", /ca\.crt is absent or empty/, (store) => store.put("ca.crt", "")],
    ["tls.crt is gone", /tls\.crt is absent or empty/, (store) => rmSync(join(store.directory, "tls.crt"))],
    ["tls.key is huge", /tls\.key is absent or empty/, (store) => store.put("tls.key", "x".repeat(300_000))],
  ])("when %s it says so and makes files that fit together", async (_title, message, damage) => {
    const [store, other] = [storeIn(newFolder()), storeIn(newFolder())];
    await Promise.all([store.ensure(), other.ensure()]);
    damage(store, other);
    const mended = await store.ensure();
    expect(store.lines.find(({ level }) => level === 40)?.reason).toMatch(message);
    expect(inspectPair(mended).ok && issuerIn(mended.cert, mended.caBundle, START)).toBeTruthy();
    expect(await store.ensure()).toEqual(mended);
  });

  test("goes on with a certificate whose CA key is not here", async () => {
    const store = storeIn(newFolder());
    const first = await store.ensure();
    rmSync(join(store.directory, "ca.key"));
    expect(await store.ensure()).toEqual(first);
  });

  test("takes a key away from others when it finds it open to them", async () => {
    const store = storeIn(newFolder());
    await store.ensure();
    chmodSync(join(store.directory, "tls.key"), 0o644);
    await store.ensure();
    expect(statSync(join(store.directory, "tls.key")).mode & 0o777).toBe(0o600);
  });

  test("several processes that start at once end with files that fit together", async () => {
    const directory = newFolder();
    const made = await Promise.all(Array.from({ length: 5 }, () => storeIn(directory).ensure()));
    for (const pair of made) expect(inspectPair(pair).ok).toBe(true);
    const settled = await storeIn(directory).ensure();
    expect(inspectPair(settled).ok && issuerIn(settled.cert, settled.caBundle, START)).toBeTruthy();
    expect(readdirSync(directory)).toHaveLength(4);
  });

  test("says what to do when the folder is a file", async () => {
    const path = join(root, "a-file");
    writeFileSync(path, "");
    await expect(storeIn(path).ensure()).rejects.toMatchObject({
      code: "SLUICE_CERTIFICATES_FAILED",
      message: expect.stringContaining(path),
      hint: "choose a folder that this user may write to",
    });
  });
});

describe("startFileCertificates", () => {
  test("gives the first certificate at once and the next when it is renewed", async () => {
    const store = storeIn(newFolder());
    const seen: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const running = await startFileCertificates({
      ...store.wanted,
      pollMs: 5,
      onChange: ({ cert }) => {
        if (seen.push(cert) === 2) resolve();
      },
    });
    expect(seen).toEqual([running.current()?.cert]);
    expect(running.ready()).toBe(true);
    expect(running.samples().map(({ labels }) => labels["kind"])).toEqual(["leaf", "ca"]);
    store.clock.now += 70 * DAY_MS;
    await promise;
    expect(new Set(seen).size).toBe(2);
    await running.close();
    expect(existsSync(join(store.directory, "tls.crt"))).toBe(true);
  });

  test("is not ready once the certificate has ended", async () => {
    const store = storeIn(newFolder());
    const running = await startFileCertificates({ ...store.wanted, onChange: () => {} });
    store.clock.now += 91 * DAY_MS;
    expect(running.problem()).toBe("the server certificate is not valid now");
    await running.close();
  });
});
