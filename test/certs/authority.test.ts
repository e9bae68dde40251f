import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  AUTHORITY_LIFE_MS,
  type Authority,
  DAY_MS,
  generationOf,
  HOUR_MS,
  LEAF_LIFE_MS,
  makeAuthority,
  type ServerNames,
  serviceNames,
  signLeaf,
} from "../../src/certs/authority.ts";
import { hasNames, inspectCertificate, inspectPair, issuerIn } from "../../src/certs/inspect.ts";

const NOW = Date.now();
const NAMES: ServerNames = { dns: ["localhost", "sluice-webhook.sluice-system.svc"], ips: ["127.0.0.1", "::1"] };
const folder = mkdtempSync(join(tmpdir(), "sluice-authority-"));
let authority: Authority;

beforeAll(async () => {
  authority = await makeAuthority({ generation: 7, now: NOW });
});
afterAll(() => rmSync(folder, { recursive: true }));

const sign = (names: ServerNames = NAMES, by: Authority = authority) =>
  signLeaf({ authority: by, authorityNotAfter: NOW + AUTHORITY_LIFE_MS, names, now: NOW });

/** The outcome of a real TLS handshake: "ok", or the error code of the client. */
async function handshake(pair: { cert: string; key: string }, ca: string, servername?: string): Promise<string> {
  const server = createServer({ ...pair, minVersion: "TLSv1.3" }, (socket) => socket.end());
  server.on("tlsClientError", () => {}); // the client's own verdict is what counts
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const verdict = await new Promise<string>((resolve) => {
    const name = servername === undefined ? {} : { servername };
    const socket = connect({ host: "127.0.0.1", port, ca, ...name }, () => resolve("ok"));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on("close", () => socket.destroy());
  });
  await new Promise((resolve) => server.close(resolve));
  return verdict;
}

describe("makeAuthority", () => {
  test("makes a CA for two years, valid from an hour ago, that signs certificates and nothing below", () => {
    const parsed = inspectPair(authority);
    expect(parsed.ok && parsed.value.ca).toBe(true);
    if (!parsed.ok) return;
    expect(NOW - parsed.value.notBefore).toBeGreaterThanOrEqual(HOUR_MS);
    expect(NOW - parsed.value.notBefore).toBeLessThan(HOUR_MS + 1000);
    expect(Math.abs(parsed.value.notAfter - NOW - AUTHORITY_LIFE_MS)).toBeLessThan(1000);
    const text = opensslText(authority.cert);
    for (const part of ["ecdsa-with-SHA256", "prime256v1", "CA:TRUE, pathlen:0", "Certificate Sign"]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain("CRL Sign");
  });

  test("gives each CA a subject of its own, also for one generation number", async () => {
    const twin = await makeAuthority({ generation: 7, now: NOW });
    expect(new X509Certificate(twin.cert).subject).not.toBe(new X509Certificate(authority.cert).subject);
  });

  test("ends PEM texts with a newline, so that a bundle is one text after the other", () => {
    for (const pem of [authority.cert, authority.key]) expect(pem).toMatch(/^-----BEGIN [A-Z ]+-----\n[^\r]*-----\n$/);
  });
});

test.each([
  ["sluice-ca-7-0123abcd", 7],
  ["sluice-ca-07-0123abcd", 7],
  ["sluice-ca-7", undefined],
  ["sluice-ca-7-0123ABCD", undefined],
  ["example-ca-7-0123abcd", undefined],
])("the generation in the subject %s is %s", (name, generation) => {
  expect(generationOf(name)).toBe(generation);
});

describe("signLeaf", () => {
  test("makes a server certificate for 90 days with exactly the names asked for", async () => {
    const leaf = await sign();
    const inspected = inspectPair(leaf);
    expect(inspected.ok && Math.abs(inspected.value.notAfter - NOW - LEAF_LIFE_MS) < 1000).toBe(true);
    expect(new X509Certificate(leaf.cert).subjectAltName).toBe(
      "DNS:localhost, DNS:sluice-webhook.sluice-system.svc, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    );
    const text = opensslText(leaf.cert);
    for (const part of ["CA:FALSE", "Digital Signature", "TLS Web Server Authentication", "ecdsa-with-SHA256"]) {
      expect(text).toContain(part);
    }
  });

  test("never lets a leaf outlive its CA", async () => {
    const leaf = await signLeaf({ authority, authorityNotAfter: NOW + DAY_MS, names: NAMES, now: NOW });
    const inspected = inspectCertificate(leaf.cert);
    expect(inspected.ok && inspected.value.notAfter).toBeLessThanOrEqual(NOW + DAY_MS);
  });

  test("satisfies openssl for the purpose, the host and the address", async () => {
    const leaf = await sign();
    for (const check of [
      ["-verify_hostname", "sluice-webhook.sluice-system.svc"],
      ["-verify_ip", "127.0.0.1"],
      ["-verify_ip", "::1"],
    ]) {
      expect(opensslVerify(authority.cert, leaf.cert, check)).toContain(": OK");
    }
    const other = await makeAuthority({ generation: 7, now: NOW });
    expect(opensslVerify(other.cert, leaf.cert, [])).toContain("unable to get local issuer certificate");
    // Both orders: neither openssl nor we may stop at the first CA of a bundle.
    for (const bundle of [other.cert + authority.cert, authority.cert + other.cert]) {
      expect(opensslVerify(bundle, leaf.cert, [])).toContain(": OK");
      expect(issuerIn(leaf.cert, bundle, NOW)).toBeDefined();
    }
  });

  test.each([
    ["by address", undefined, "ok"],
    ["by a name of the certificate", "sluice-webhook.sluice-system.svc", "ok"],
    ["by another name", "example.org", "ERR_TLS_CERT_ALTNAME_INVALID"],
  ])("a TLS client that dials %s gets %s → %s", async (_title, servername, verdict) => {
    expect(await handshake(await sign(), authority.cert, servername)).toBe(verdict);
  });

  test("a TLS client that trusts another CA, or a CA that came later, decides by the bundle", async () => {
    const leaf = await sign();
    const other = await makeAuthority({ generation: 8, now: NOW });
    expect(await handshake(leaf, other.cert)).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    expect(await handshake(leaf, authority.cert + other.cert)).toBe("ok");
    expect(await handshake(await sign(NAMES, other), authority.cert + other.cert)).toBe("ok");
  });

  test.each<[string, ServerNames]>([
    ["a name with a comma", { dns: ["a,b"], ips: [] }],
    ["an address as a name of the wrong list", { dns: ["localhost"], ips: ["localhost"] }],
    ["no name at all", { dns: [], ips: [] }],
    ["a wildcard", { dns: ["*.example.org"], ips: [] }],
  ])("refuses %s", async (_title, names) => {
    await expect(sign(names)).rejects.toMatchObject({ code: "SLUICE_CERTIFICATES_FAILED" });
  });

  test("any Service's names end up in its certificate, and only they", async () => {
    const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/);
    await fc.assert(
      fc.asyncProperty(label, label, async (service, namespace) => {
        const names = serviceNames(service, namespace, "cluster.local");
        const leaf = await sign(names);
        expect(hasNames(leaf.cert, names)).toBe(true);
        expect(hasNames(leaf.cert, serviceNames(service, `${namespace}x`, "cluster.local"))).toBe(false);
        expect(hasNames(leaf.cert, { ...names, dns: names.dns.slice(1) })).toBe(false);
      }),
      { numRuns: 15 },
    );
  });
});

function opensslText(pem: string): string {
  return execFileSync("openssl", ["x509", "-noout", "-text"], { input: pem, encoding: "utf8" });
}

function opensslVerify(bundle: string, leaf: string, checks: readonly string[]): string {
  writeFileSync(join(folder, "bundle.pem"), bundle);
  writeFileSync(join(folder, "leaf.pem"), leaf);
  const args = ["verify", "-purpose", "sslserver", ...checks, "-CAfile", "bundle.pem", "leaf.pem"];
  try {
    return execFileSync("openssl", args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
  } catch (failure) {
    return String((failure as { stderr?: unknown }).stderr);
  }
}
