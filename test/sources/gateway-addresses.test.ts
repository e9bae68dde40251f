import { describe, expect, test } from "vitest";
import {
  applyGatewayAddresses,
  type GatewayAddress,
  parseGatewayAddress,
} from "../../src/sources/gateway-addresses.ts";
import { objectsOfText } from "../../src/sources/manifests.ts";
import { gateway } from "./temporary-folder.ts";

function parsed(text: string): GatewayAddress {
  const result = parseGatewayAddress(text);
  if (!result.ok) throw new Error(result.problems.join());
  return result.value;
}

const objects = objectsOfText(
  [
    gateway("egress", "a"),
    gateway("egress", "b"),
    gateway(
      "only",
      "c",
      "status: {addresses: [{type: Hostname, value: x}], conditions: [{type: Programmed, status: 'False'}, {type: Other, status: 'True'}]}\n",
    ),
    "apiVersion: v1\nkind: Service\nmetadata: {name: only}\n",
  ].join("---\n"),
  "f.yaml",
).decoded;

describe("the form of an address", () => {
  test.each([
    ["egress=10.0.0.1", { namespace: undefined, name: "egress", address: "10.0.0.1" }],
    ["gw/egress=fd00::1", { namespace: "gw", name: "egress", address: "fd00::1" }],
  ])("%s", (text, expected) => expect(parsed(text)).toEqual(expected));

  test.each([
    ["egress", "must have the form [NAMESPACE/]NAME=IP"],
    ["=10.0.0.1", "must have the form"],
    ["/egress=10.0.0.1", "must have the form"],
    ["a/b/c=10.0.0.1", "must have the form"],
    ["", "must have the form"],
    ["Egress=10.0.0.1", "must have the form"],
    ["egress=", '"" is no IPv4 or IPv6 address'],
    ["egress=10.0.0.256", '"10.0.0.256" is no IPv4'],
    ["egress=010.0.0.1", "is no IPv4"],
    ["egress=fe80::1%eth0", "is no IPv4"],
    ["egress=gw.example.com", "is no IPv4"],
    ["egress=10.0.0.1:80", "is no IPv4"],
  ])("%j is refused", (text, expected) => {
    const result = parseGatewayAddress(text);
    expect(result.ok ? [] : result.problems).toEqual([expect.stringContaining(expected)]);
  });
});

describe("giving addresses", () => {
  test("a Gateway gets its addresses in order and looks programmed, other conditions stay", () => {
    const given = applyGatewayAddresses(objects, [parsed("only=10.0.0.1"), parsed("c/only=fd00::1")]);
    expect(given.problems).toEqual([]);
    const changed = given.objects[2];
    const status = {
      addresses: [
        { type: "IPAddress", value: "10.0.0.1" },
        { type: "IPAddress", value: "fd00::1" },
      ],
      conditions: [
        { type: "Other", status: "True" },
        { type: "Accepted", status: "True" },
        { type: "Programmed", status: "True" },
      ],
    };
    expect(changed?.object).toMatchObject({ status });
    expect(changed?.raw).toMatchObject({ status });
    expect(changed?.locate(["metadata", "name"])?.file).toBe("f.yaml");
  });

  test("nothing else changes, and the given objects stay as they are", () => {
    const before = structuredClone(objects.map((object) => object.object));
    const given = applyGatewayAddresses(objects, [parsed("only=10.0.0.1")]);
    expect(given.objects.map((object, at) => object === objects[at])).toEqual([true, true, false, true]);
    expect(objects.map((object) => object.object)).toEqual(before);
  });

  test("a name that fits several Gateways or none is a problem that lists what there is", () => {
    const given = applyGatewayAddresses(objects, [
      parsed("egress=10.0.0.1"),
      parsed("nope=10.0.0.1"),
      parsed("z/only=10.0.0.1"),
    ]);
    expect(given.objects).toEqual(objects);
    expect(given.problems).toEqual([
      "--gateway-address egress fits several Gateways: a/egress, b/egress; write NAMESPACE/NAME",
      "--gateway-address nope names no Gateway; the manifests hold a/egress, b/egress, c/only",
      "--gateway-address z/only names no Gateway; the manifests hold a/egress, b/egress, c/only",
    ]);
    expect(applyGatewayAddresses([], [parsed("egress=10.0.0.1")]).problems[0]).toContain(
      "the manifests hold no Gateway",
    );
  });
});
