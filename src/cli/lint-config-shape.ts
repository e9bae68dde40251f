import { EXEMPTION_RULE } from "../lint/exemption.ts";
import { RULE_FAMILIES } from "../lint/rule-family.ts";
import { rules } from "../lint/rules/index.ts";
import { COMPONENTS, VERSION_FORM } from "../model/engine-versions.ts";
import { GLOB_FORM } from "./path-glob.ts";

/** What a value of `sluice.yaml` must be. Patterns are anchored and linear; docs/schema/sluice-yaml.json says the same. */
export type ConfigShape =
  | {
      readonly type: "text";
      readonly description: string;
      readonly choices?: readonly string[];
      /** Texts that are allowed besides the choices. */
      readonly also?: RegExp;
      readonly format?: { readonly pattern: RegExp; readonly expects: string };
    }
  | { readonly type: "integer"; readonly description: string; readonly minimum: number; readonly maximum: number }
  | { readonly type: "list"; readonly description: string; readonly items: ConfigShape }
  | {
      readonly type: "map";
      readonly description: string;
      /** What a key is called in messages. */
      readonly keys: string;
      readonly fields: Readonly<Record<string, ConfigShape>>;
      /** Keys that are allowed besides the fields, each like the first of them. */
      readonly also?: RegExp;
      readonly required?: readonly string[];
    };

/** Items of one list; a repository that ignores more has another problem. */
export const MAX_ITEMS = 1_000;

/** The finding that an ignore of `sluice.yaml` hides nothing. */
export const IGNORE_RULE = "ignore-without-effect";

/** Findings of an object's own schema, one id for each kind that there may be. */
const SCHEMA_RULES = /^schema-[a-z0-9]{1,63}$/;

/** Rules whose findings can be ignored. */
const IGNORABLE: readonly string[] = [
  ...[...rules, ...RULE_FAMILIES].map(({ id }) => id).filter((id) => !id.includes("<")),
  EXEMPTION_RULE,
];

/** Every id that a finding can have, but for those of schemas. */
export const RULE_IDS: readonly string[] = [...IGNORABLE, IGNORE_RULE];

/** Whether findings can have this id. */
export const isRuleId = (id: string): boolean => RULE_IDS.includes(id) || SCHEMA_RULES.test(id);

export const LEVELS = ["off", "info", "warning", "error"] as const;

const NOT_BLANK = { pattern: /\S/, expects: "a text that is not blank" };
const DATE = {
  pattern: /^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$/,
  expects: "a date such as 2027-06-30",
};
/** How a DNS domain is written. */
export const DOMAIN = { pattern: /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, expects: "a DNS domain in lower case" };
const GATEWAY_ADDRESS = {
  pattern: /^(?:[a-z0-9.-]{1,253}\/)?[a-z0-9.-]{1,253}=[0-9A-Fa-f:.]{2,45}$/,
  expects: "[NAMESPACE/]NAME=IP, such as gateway-system/egress=10.96.0.50",
};
const NAME_PATTERN = { pattern: /^[A-Za-z0-9.*?-]{1,253}$/, expects: "a name, in which `*` and `?` stand for others" };

const text = (description: string, format: { pattern: RegExp; expects: string } = NOT_BLANK): ConfigShape => ({
  type: "text",
  description,
  format,
});

const list = (description: string, items: ConfigShape): ConfigShape => ({ type: "list", description, items });

const IGNORE: ConfigShape = {
  type: "map",
  description: "Findings that are not shown. A finding must fit every key that is given.",
  keys: "key",
  required: ["rule", "reason"],
  fields: {
    rule: { type: "text", description: "Id of the rule.", choices: IGNORABLE, also: SCHEMA_RULES },
    reason: text("Why the finding is accepted; for the next reader."),
    kind: text("Kind of the object, such as AuthPolicy."),
    namespace: text("Namespace of the object; `*` and `?` stand for other characters.", NAME_PATTERN),
    name: text("Name of the object; `*` and `?` stand for other characters.", NAME_PATTERN),
    path: text(
      "Field of the object as findings show it, such as spec.limits; fields below it are meant as well. `[*]` is any position of a list.",
    ),
    file: text("Pattern of the file, relative to the folder of sluice.yaml.", GLOB_FORM),
    until: text("The last day on which this counts.", DATE),
  },
};

/** The whole file. */
export const LINT_CONFIG_SHAPE: ConfigShape = {
  type: "map",
  description: "Settings of `sluice lint` for a repository. Flags of the command line win over them.",
  keys: "key",
  fields: {
    profile: { type: "text", description: "How severe to be.", choices: ["default", "strict"] },
    paths: list(
      "What is linted when no path is given on the command line; relative to the folder of this file.",
      text("A file or folder."),
    ),
    exclude: list(
      "Files and folders that are passed over, relative to the folder of this file. Without `/` a pattern fits at any depth.",
      text("A pattern of names, `*`, `?` and `**`.", GLOB_FORM),
    ),
    rules: {
      type: "map",
      description: "How much findings of a rule weigh; `off` hides them.",
      keys: "rule",
      also: SCHEMA_RULES,
      fields: Object.fromEntries(
        RULE_IDS.map((id) => [id, { type: "text", description: "Level of the findings.", choices: LEVELS } as const]),
      ),
    },
    ignores: list("Findings that are accepted, each with a reason.", IGNORE),
    maxWarnings: {
      type: "integer",
      description: "More warnings than this make the exit code 1; -1 (the default) allows any number.",
      minimum: -1,
      maximum: 1_000_000,
    },
    gatewayAddress: list(
      "Addresses of Gateways that are read from files, as their controller would set them.",
      text("[NAMESPACE/]NAME=IP", GATEWAY_ADDRESS),
    ),
    crdDirs: list(
      "Folders and files of CustomResourceDefinitions, relative to the folder of this file.",
      text("A folder or file."),
    ),
    clusterDomain: text("The cluster's DNS domain; default cluster.local.", DOMAIN),
    engineVersions: {
      type: "map",
      description: "Releases that the cluster runs, where they are not the newest that the rules know.",
      keys: "component",
      fields: Object.fromEntries(
        COMPONENTS.map((name) => [name, text(`Release of ${name}, such as v0.11.0, or head.`, VERSION_FORM)]),
      ),
    },
  },
};
