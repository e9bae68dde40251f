import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { ERROR_CODES } from "../src/model/errors.ts";
import { runSluice } from "./support/run-sluice.ts";

const pages = globSync("**/*.md", { exclude: (name) => name.includes("node_modules") });
const scripts = Object.keys((JSON.parse(readFileSync("package.json", "utf8")) as { scripts: object }).scripts);

describe.each(pages)("%s", (page) => {
  const text = readFileSync(page, "utf8");

  test("links only to what is there", () => {
    const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? "");
    const broken = links.filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(dirname(page), link)));
    expect(broken).toEqual([]);
  });

  test("names only npm scripts that exist", () => {
    const named = [...text.matchAll(/\bnpm run ([a-z:-]+)/g)].map((match) => match[1] ?? "");
    expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
  });
});

/** Commands of a page's shell blocks, comments cut off. */
const commandsOf = (page: string): readonly string[] =>
  [...readFileSync(page, "utf8").matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap((block) => (block[1] ?? "").split("\n"))
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line.startsWith("npx sluice "));

/** What exits with findings on purpose. */
const FINDS = ["lint test/fixtures/manifests/000-egress-gateway"];

describe("README.md", () => {
  // The commands that ask a running server are run against one in test/cli/serve.test.ts.
  const commands = commandsOf("README.md").filter((command) => !command.includes("--server"));

  test("shows commands", () => {
    expect(commands.length).toBeGreaterThanOrEqual(3);
  });

  test.each(commands)("%s does what it says", async (command) => {
    const args = command.split(/\s+/).slice(2);
    const { exitCode, stdout } = await runSluice(args);
    expect(exitCode).toBe(FINDS.includes(args.join(" ")) ? 1 : 0);
    expect(stdout).not.toBe("");
  });
});

test("every error code is documented, and every documented one exists", () => {
  const documented = [...readFileSync("docs/errors.md", "utf8").matchAll(/`(SLUICE_[A-Z_]+)`/g)].map(
    (match) => match[1],
  );
  expect(documented).toEqual(Object.keys(ERROR_CODES));
});

test("nothing of the project names a machine's path or a registry's host", () => {
  const files = globSync("{src,test,scripts,manifests,docs,bin,.ci}/**/*.{ts,js,md,yaml,json,sh}", {
    exclude: (name) => name.includes("node_modules"),
  }).filter((file) => !file.startsWith("test/fixtures/") && file !== "test/docs.test.ts");
  const registry = ["registry.npmjs", "proxy.golang", "deb.debian", "pypi."].join("|").replaceAll(".", "\\.");
  const found = [...files, "README.md", "package.json", "package-lock.json", "Dockerfile"].filter((file) =>
    new RegExp(`(?:${registry})|/(?:work|root|farm)/`).test(readFileSync(file, "utf8")),
  );
  expect(found).toEqual([]);
});
