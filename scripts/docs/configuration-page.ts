import { environmentName, SETTINGS, type Setting } from "../../src/config/schema.ts";

const ofDefault = ({ default: value }: Setting): string =>
  value === undefined ? "" : `\`${Array.isArray(value) ? value.join(",") : String(value)}\``;

const ofType = ({ type, choices, value, minimum, maximum }: Setting): string => {
  if (choices !== undefined) return choices.map((choice) => `\`${choice}\``).join(", ");
  const range = minimum === undefined ? "" : `, ${minimum} to ${maximum}`;
  return `${value}${type === "list" ? ", repeatable" : ""}${range}`;
};

/** docs/configuration.md: every setting of `sluice serve`. */
export const configurationPage = (): string =>
  [
    "# Configuration",
    "",
    "Every setting of `sluice serve`, generated from `src/config/schema.ts`. A flag counts before its environment variable,",
    "that before the default. An unknown flag or `SLUICE_` variable is an error. The effective settings are logged at start.",
    "In the environment a repeatable setting is a comma-separated list.",
    "",
    "| Flag | Environment | Value | Default | Meaning |",
    "|---|---|---|---|---|",
    ...Object.values(SETTINGS).map(
      (setting: Setting) =>
        `| \`--${setting.flag}\` | \`${environmentName(setting)}\` | ${ofType(setting)} | ${ofDefault(setting)} | ${setting.description} |`,
    ),
    "",
  ].join("\n");
