import type { Corefile, CorefileLine, ServerBlock } from "./corefile.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Token } from "./token.ts";
import { isInZone, parseZones } from "./zone.ts";

/** Directives that give every question an answer, so that none ends at the end of the list. */
const TERMINAL = new Set(["forward", "whoami", "kuadrant"]);

/** Directives that answer some names themselves. */
const SOURCES = new Set(["hosts", "template", "sluice", "local", "chaos"]);

type Problem = { readonly at: Token; readonly severity: Diagnostic["severity"]; readonly message: string };

/**
 * What a Corefile means that nobody wants although it starts. Errors are about questions that fail for certain,
 * warnings about names that take a way which the file does not seem to mean.
 */
export function lintCorefile({ servers }: Corefile): readonly Diagnostic[] {
  const steered = servers.some((server) => named(server, "sluice").length > 0);
  const problems = servers.flatMap((server) => [
    ...terminalProblems(server),
    ...forwardProblems(server),
    ...zoneProblems(server),
    ...aclProblems(server),
    ...openAcl(server),
    ...fallthroughProblems(server),
    ...(steered ? unsteeredProblems(server) : []),
  ]);
  return [...problems, ...processOptionProblems(servers), ...(steered ? [] : nothingSteered(servers))].map(
    ({ at, severity, message }) => ({
      severity,
      kind: "lint",
      place: at.place,
      message,
    }),
  );
}

/** Options of `sluice` that say how objects are read, which a process does once for all of its server blocks. */
const PROCESS_OPTIONS = ["gateways", "conflict", "gateway_address", "snapshot", "kubeconfig"];

/** The first `sluice` of a file decides; an option that another one sets differently has no effect. */
function processOptionProblems(servers: readonly ServerBlock[]): readonly Problem[] {
  const [first, ...others] = servers.flatMap((server) => named(server, "sluice"));
  const textOf = ({ args }: CorefileLine): string => args.map(({ text }) => text).join(" ");
  const decided = new Map((first?.block ?? []).map((option) => [option.name.text, textOf(option)]));
  return others
    .flatMap(({ block = [] }) => block)
    .filter((option) => PROCESS_OPTIONS.includes(option.name.text) && decided.get(option.name.text) !== textOf(option))
    .map(({ name }) => ({
      at: name,
      severity: "warning",
      message: `'${name.text}' has no effect here: it holds for all server blocks, and the first 'sluice' of the file decides`,
    }));
}

const named = ({ directives }: ServerBlock, name: string): readonly CorefileLine[] =>
  directives.filter((line) => line.name.text === name);

const zonesOf = (server: ServerBlock): string =>
  server.keys
    .map(({ zone }) => zone)
    .slice(0, 3)
    .join(" ");

/** The token to point at for a whole server block: its first directive. */
const firstToken = ({ directives }: ServerBlock): Token | undefined => directives[0]?.name;

/** A block for all names that ends nowhere answers SERVFAIL to what nothing claims; any other one may mean it. */
function terminalProblems(server: ServerBlock): readonly Problem[] {
  if (server.directives.some(({ name }) => TERMINAL.has(name.text))) return [];
  const place = server.keys[0]?.place;
  const at = firstToken(server) ?? (place === undefined ? undefined : { text: "", place, quoted: false, unset: [] });
  if (at === undefined) return [];
  const zones = zonesOf(server);
  if (server.directives.length === 0) {
    return [{ at, severity: "warning", message: `the block of '${zones}' is empty: every question there is refused` }];
  }
  const isRoot = server.keys.some(({ zone }) => zone === ".");
  const answersSome = server.directives.some(({ name }) => SOURCES.has(name.text));
  const severity = isRoot || !answersSome ? "error" : "warning";
  const message = `the block of '${zones}' ends without 'forward' or 'whoami': names that nothing before it answers get SERVFAIL`;
  return [{ at, severity, message }];
}

/** A zone, then those above it up to the root. */
function ancestorsOf(zone: string): readonly string[] {
  const labels = zone === "." ? [] : zone.split(".").slice(0, -1);
  return [...labels.map((_, index) => `${labels.slice(index).join(".")}.`), "."];
}

/** A `forward` behind one that takes the same names, or more, is never asked. */
function forwardProblems(server: ServerBlock): readonly Problem[] {
  const earlier = new Map<string, CorefileLine>();
  return named(server, "forward").flatMap((line) => {
    const [from] = line.args;
    const zones = from === undefined ? undefined : parseZones(from.text);
    const zone = zones?.ok === true && zones.value.length === 1 ? zones.value[0] : undefined;
    if (from === undefined || zone === undefined) return [];
    const above = ancestorsOf(zone).flatMap((name) => earlier.get(name) ?? [])[0];
    const goesOn = line.block?.some(({ name }) => ["next", "next_on_nodata", "except"].includes(name.text)) === true;
    if (!goesOn && !earlier.has(zone)) earlier.set(zone, line);
    if (above === undefined) return [];
    const where = `the one in line ${above.name.place.line}`;
    const message = `this forward is shadowed: ${where} takes every name of '${from.text}'; put this one above it`;
    return [{ at: line.name, severity: "warning" as const, message }];
  });
}

/** Which arguments of a directive are zones. */
const ZONE_ARGUMENTS: Readonly<Record<string, (args: readonly Token[]) => readonly Token[]>> = {
  cache: (args) => (/^\d+$/.test(args[0]?.text ?? "") ? args.slice(1) : args),
  acl: (args) => args,
  sluice: (args) => args,
  kuadrant: (args) => args,
  forward: (args) => args.slice(0, 1),
  hosts: (args) => args.slice(1),
  template: (args) => args.slice(2),
};

/** A directive whose zones lie outside of its block's sees no question. */
function zoneProblems(server: ServerBlock): readonly Problem[] {
  return server.directives.flatMap(({ name, args }) => {
    const select = Object.hasOwn(ZONE_ARGUMENTS, name.text) ? ZONE_ARGUMENTS[name.text] : undefined;
    return (select?.(args) ?? []).flatMap((token): readonly Problem[] => {
      const zones = parseZones(token.text);
      if (!zones.ok) return [];
      const meets = zones.value.some((zone) =>
        server.keys.some((key) => isInZone(zone, key.zone) || isInZone(key.zone, zone)),
      );
      if (meets) return [];
      const message = `'${name.text}' never acts on '${token.text}': this block only gets names of '${zonesOf(server)}'`;
      return [{ at: token, severity: "warning", message }];
    });
  });
}

/** Rules of `acl` behind one that matches everything. */
function aclProblems(server: ServerBlock): readonly Problem[] {
  return named(server, "acl").flatMap(({ block = [] }) => {
    const all = block.findIndex(({ args }) => args.length === 0);
    const hidden = all === -1 ? undefined : block[all + 1];
    if (hidden === undefined) return [];
    const message = `this rule is shadowed: line ${block[all]?.name.place.line} already decides on every client`;
    return [{ at: hidden.name, severity: "warning", message }];
  });
}

/**
 * With an `acl` of its own a block has no default networks any more: whom no rule names is answered, also from the
 * internet (RFC 5358).
 */
function openAcl(server: ServerBlock): readonly Problem[] {
  const lines = named(server, "acl");
  const [first] = lines;
  const decides = lines.some(
    ({ args, block = [] }) => zonesCover(args, server) && block.some((rule) => rule.args.every(isForAll)),
  );
  if (first === undefined || decides) return [];
  const message =
    "this acl leaves the resolver open: clients that no rule names are answered, wherever they are; allow your networks, and end with 'block'";
  return [{ at: first.name, severity: "warning", message }];
}

/** `type *` and `net *` are as if they were not there. */
const isForAll = ({ text }: Token): boolean => ["type", "net", "*"].includes(text.toLowerCase());

/** Whether zones of a directive hold all names of its block; without any they do. */
function zonesCover(args: readonly Token[], { keys }: ServerBlock): boolean {
  const zones = args.flatMap(({ text }) => {
    const read = parseZones(text);
    return read.ok ? read.value : [];
  });
  return args.length === 0 || keys.every((key) => zones.some((zone) => isInZone(key.zone, zone)));
}

/** Ways on which the real address of a pinned or claimed name gets out. */
function fallthroughProblems(server: ServerBlock): readonly Problem[] {
  const option = (directive: string, name: string) =>
    named(server, directive).flatMap(({ block = [] }) => block.filter((line) => line.name.text === name));
  const guarded = named(server, "sluice").length > 0;
  return [
    ...option("hosts", "fallthrough_unsupported").map(({ name }) => ({
      at: name,
      severity: "warning" as const,
      message: "fallthrough_unsupported forwards HTTPS questions of pinned names: their hints hold the real addresses",
    })),
    ...option("sluice", "cname_guard")
      .filter(({ args }) => args[0]?.text === "off")
      .map(({ name }) => ({
        at: name,
        severity: "warning" as const,
        message: "cname_guard off: an alias of an egress name is answered with the real address",
      })),
    ...(guarded ? [] : openTemplates(server)),
  ];
}

/** Without `sluice`, a template for A alone leaves AAAA and HTTPS of the same names to `forward`. */
function openTemplates(server: ServerBlock): readonly Problem[] {
  if (named(server, "forward").length === 0) return [];
  const typeOf = ({ args }: CorefileLine): string => args[1]?.text.toUpperCase() ?? "";
  const zonesText = ({ args }: CorefileLine): string =>
    args
      .slice(2)
      .map(({ text }) => text)
      .join(" ");
  const claimed = new Set(named(server, "template").map((line) => `${typeOf(line)} ${zonesText(line)}`));
  const isClaimed = (type: string, zones: string): boolean =>
    [`${type} ${zones}`, `${type} `, `ANY ${zones}`, "ANY "].some((key) => claimed.has(key));
  return named(server, "template")
    .filter((line) => typeOf(line) === "A")
    .flatMap((line) => {
      const open = ["AAAA", "HTTPS"].filter((type) => !isClaimed(type, zonesText(line)));
      if (open.length === 0) return [];
      const types = open.join(" and ");
      const message = `names of this template leak: ${types} questions fall through to forward; claim them with 'sluice', or add a template for each`;
      return [{ at: line.name, severity: "warning" as const, message }];
    });
}

/** The longest zone decides which block a name goes to, so a block beside `sluice` takes its names away from it. */
function unsteeredProblems(server: ServerBlock): readonly Problem[] {
  const opens = server.directives.some(({ name }) => name.text === "forward");
  const at = firstToken(server);
  if (!opens || at === undefined || named(server, "sluice").length > 0) return [];
  const message = `the block of '${zonesOf(server)}' has no 'sluice': egress names in it are forwarded to their real address`;
  return [{ at, severity: "warning", message }];
}

function nothingSteered(servers: readonly ServerBlock[]): readonly Problem[] {
  const at = servers.map(firstToken).find((token) => token !== undefined);
  const kuadrant = servers.some((server) => named(server, "kuadrant").length > 0);
  if (at === undefined || kuadrant) return [];
  return [{ at, severity: "warning", message: "no block has 'sluice': egress names are not steered to their gateway" }];
}
