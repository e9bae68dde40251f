/** `npm run docs`: writes the generated pages; with `--check` only says which are stale, and fails. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cliPage } from "./docs/cli-page.ts";
import { configurationPage } from "./docs/configuration-page.ts";
import { errorsPage } from "./docs/errors-page.ts";
import { familyPages } from "./docs/family-pages.ts";
import { ruleIndexPage } from "./docs/rule-index.ts";
import { rulePages } from "./docs/rule-pages.ts";
import { sluiceYamlSchema } from "./docs/sluice-yaml-schema.ts";

const pages: ReadonlyMap<string, string> = new Map([
  ...rulePages(),
  ...familyPages(),
  ["docs/rules/README.md", ruleIndexPage()],
  ["docs/configuration.md", configurationPage()],
  ["docs/errors.md", errorsPage()],
  ["docs/cli.md", await cliPage()],
  ["docs/schema/sluice-yaml.json", sluiceYamlSchema()],
]);

const check = process.argv.includes("--check");
const ruleFiles = existsSync("docs/rules") ? readdirSync("docs/rules").map((name) => `docs/rules/${name}`) : [];
const orphans = ruleFiles.filter((file) => !pages.has(file));
const stale = [...pages].filter(([file, text]) => !existsSync(file) || readFileSync(file, "utf8") !== text);

if (check) {
  for (const [file] of stale) process.stderr.write(`${file} is not what the sources say: run \`npm run docs\`\n`);
  for (const file of orphans) process.stderr.write(`${file} belongs to no rule: run \`npm run docs\`\n`);
  process.exitCode = stale.length + orphans.length > 0 ? 1 : 0;
} else {
  for (const [file, text] of stale) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  for (const file of orphans) rmSync(join(file));
  process.stdout.write(`${pages.size} pages, ${stale.length} written, ${orphans.length} removed\n`);
}
