import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { rules } from "../../src/lint/rules/index.ts";
import { decodeObject } from "../../src/model/decode.ts";
import type { Finding } from "../../src/model/finding.ts";
import { identityOf } from "../../src/model/object-ref.ts";
import { describeMend, findIn, mendAll } from "../support/mended.ts";

/** The objects of known kinds in the manifests of a guide. */
const guide = (folder: string): readonly unknown[] =>
  globSync(`test/fixtures/manifests/${folder}/**/*.yaml`)
    .sort()
    .flatMap((file) => parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS() as unknown))
    .filter((raw) => raw !== null && decodeObject(raw).status === "decoded");

const SAN = (host: string): string =>
  `destinationrule-weak-verification: spec.trafficPolicy.tls.subjectAltNames: ["${host}"]`;
const GUARD =
  "credential-guard-too-shallow: has(auth.metadata.vault_secret.data.data.api_key) && auth.metadata.vault_secret.data.data.api_key != ''";
const published = (policy: string): string =>
  `rlp-identity-not-exposed: AuthPolicy ${policy} spec.rules.response.success.filters.identity.json.properties.username: {"selector":"auth.identity.user.username"}`;

const errorsOf = (findings: readonly Finding[]): readonly string[] =>
  findings.filter(({ severity }) => severity === "error").map(({ rule, object }) => `${rule} ${identityOf(object)}`);

describe.each<[string, readonly string[]]>([
  [
    "000-egress-gateway",
    ["rlp-source-address-counter: source.remote_address", SAN("httpbin.org"), published("workload-identity")],
  ],
  ["001-openai", [GUARD, SAN("api.openai.com"), published("openai-credential-injection")]],
  [
    "002-ambient-waypoint",
    ["waypoint-allow-blocks-other-hosts: spec.rules[0].to[0].operation.hosts[1]: httpbin.org:*"],
  ],
  ["003-credential-injection", [GUARD, SAN("httpbin.org")]],
])("the manifests of the guide %s", (folder, expected) => {
  const raws = guide(folder);

  test("are mended in these places", () => {
    const found = findIn(raws, rules).filter(({ mend }) => mend !== undefined);
    expect(found.map((finding) => `${finding.rule}: ${describeMend(finding, raws)}`).sort()).toEqual(
      [...expected].sort(),
    );
  });

  test("have fewer errors then, and no new one", () => {
    const before = errorsOf(findIn(raws, rules));
    const after = errorsOf(findIn(mendAll(raws, rules), rules));
    expect(after.filter((error) => !before.includes(error))).toEqual([]);
    expect(after.length).toBeLessThanOrEqual(before.length);
  });
});
