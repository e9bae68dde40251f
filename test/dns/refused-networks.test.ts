import { expect, test } from "vitest";
import { makePlan } from "../../src/dns/pipeline/plan.ts";
import { refusedNetworks } from "../../src/dns/refused-networks.ts";
import { serversOf } from "./support/resolver.ts";

const NETWORKS = ["10.244.0.0/16", "8.8.0.0/16", "fd00:10::/64", "2001:db8::/64", "no network"];

test.each([
  ["without acl the public ones", "whoami", ["8.8.0.0/16", "2001:db8::/64"]],
  [
    "what acl allows is not",
    "acl {\nallow net 8.8.0.0/16 10.0.0.0/8\nblock\n}\nwhoami",
    ["fd00:10::/64", "2001:db8::/64"],
  ],
  ["an acl without a rule for everybody refuses nobody", "acl {\nallow net 10.0.0.0/8\n}\nwhoami", []],
  ["a rule about types refuses nobody altogether", "acl {\nblock type ANY\n}\nwhoami", []],
  ["a drop is a refusal", "acl {\ndrop net 10.244.0.0/16\n}\nwhoami", ["10.244.0.0/16"]],
  ["rules of other zones are not looked at", "acl a.test {\nblock\n}\nwhoami", []],
])("%s", (_title, lines, refused) => {
  const { servers } = makePlan(serversOf(`.:53 {\n${lines}\n}`));
  expect(refusedNetworks(servers, NETWORKS)).toEqual(refused);
});
