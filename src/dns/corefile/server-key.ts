import { fail, ok, type Result } from "../../model/result.ts";
import type { ServerKey } from "./corefile.ts";
import { type Token, unsetNote } from "./token.ts";
import { parseZones } from "./zone.ts";

const DEFAULT_PORT = 53;
const MAX_PORT = 65_535;

/** Reads `[dns://]ZONE[:PORT]`, where ZONE is a name or a CIDR. */
export function parseServerKey(token: Token): Result<readonly ServerKey[]> {
  const [, scheme, rest = ""] = /^(?:([A-Za-z][A-Za-z0-9+.-]{0,31}):\/\/)?(.*)$/s.exec(token.text) ?? [];
  if (scheme !== undefined && scheme !== "dns") {
    return fail(`scheme '${scheme}://' is not served: the listener speaks plain DNS, write 'dns://' or no scheme`);
  }
  const colon = rest.lastIndexOf(":");
  const tail = rest.slice(colon + 1);
  if (colon !== -1 && tail === "") return fail(`expecting data after last colon: '${rest}'${unsetNote(token)}`);
  const hasPort = colon !== -1 && /^\d+$/.test(tail);
  const port = hasPort ? Number(tail) : DEFAULT_PORT;
  if (port < 1 || port > MAX_PORT) return fail(`port of '${token.text}' must be from 1 to ${MAX_PORT}`);
  const zones = parseZones(hasPort ? rest.slice(0, colon) || "." : rest);
  return zones.ok ? ok(zones.value.map((zone) => ({ zone, port, place: token.place }))) : zones;
}
