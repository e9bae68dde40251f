import { describe, expect, test } from "vitest";
import { DEFAULT_GATEWAYS, type SluiceSettings } from "../../../../src/dns/directives/sluice/setup.ts";
import { tableOptionsOf, topologySettingsOf } from "../../../../src/dns/directives/sluice/table-options.ts";
import { compileTable } from "../../../../src/dns/table.ts";
import { viewOf } from "../../support/views.ts";
import { load } from "../load.ts";

function sluice(...options: readonly string[]): SluiceSettings {
  const { problems, servers } = load(`. {\nsluice {\n${options.join("\n")}\n}\n}`);
  const settings = servers?.[0]?.directives[0]?.settings;
  if (problems.length > 0 || settings === undefined) throw new Error(problems.join());
  return settings as SluiceSettings;
}

describe("the options of a sluice line", () => {
  test("are those of a table without any options when none is given", () => {
    expect(compileTable(viewOf(), tableOptionsOf(sluice()))).toEqual(compileTable(viewOf()));
    expect(topologySettingsOf(sluice())).toEqual({ conflict: "oldest", gatewayAddress: "status" });
  });

  test("all reach the table", () => {
    const settings = sluice(
      ...["ttl 7", "passthrough none", "cname_guard strict", "search cname", "cluster_domain corp.test"],
      ...["except a.test", "gateway_clients egress"],
    );
    const view = { ...viewOf(), gatewayPodAddresses: ["10.0.0.1"] };
    expect(compileTable(view, tableOptionsOf({ ...settings, zones: ["b.test."] }))).toMatchObject({
      ttlSeconds: 7,
      passthrough: new Set(),
      guard: "strict",
      search: "cname",
      clusterDomain: "\x04corp\x04test",
      except: new Set(["\x01a\x04test"]),
      gatewayClients: new Set(),
      zones: ["\x01b\x04test"],
    });
  });

  test("that act on the model are laid over its settings", () => {
    const settings = sluice(
      "conflict merge",
      "gateway_address service",
      "gateways team in (a, b)",
      "cluster_domain c.test",
    );
    expect(topologySettingsOf(settings)).toEqual({
      conflict: "merge",
      gatewayAddress: "service",
      gateways: { matchExpressions: [{ key: "team", operator: "In", values: ["a", "b"] }] },
      clusterDomain: "c.test",
    });
  });

  test("the usual selector written down changes nothing: a route that leads out still makes an egress gateway", () => {
    expect(topologySettingsOf(sluice(`gateways ${DEFAULT_GATEWAYS}`))).not.toHaveProperty("gateways");
  });
});
