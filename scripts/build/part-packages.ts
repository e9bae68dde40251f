import type { OutputChunk } from "rolldown";

type Part = Pick<OutputChunk, "fileName" | "imports" | "moduleIds" | "facadeModuleId">;

/**
 * The packages that a process may hold which only resolves names, by the modules that it loads at run time. Anything
 * else there is megabytes for nothing: somewhere an `import` stands that belongs behind an `await import`.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "/src/main.ts": [],
  "/src/dns/server/worker.ts": ["dns2"],
  "/src/cli/dns-serve.ts": ["commander", "dns2", "yaml"],
  "/src/cli/run-serve.ts": [
    "@opentelemetry/api",
    "@pinojs/redact",
    "atomic-sleep",
    "bintrees",
    "commander",
    "dns2",
    "on-exit-leak-free",
    "pino",
    "pino-std-serializers",
    "prom-client",
    "quick-format-unescaped",
    "safe-stable-stringify",
    "sonic-boom",
    "tdigest",
    "thread-stream",
    "yaml",
  ],
};

/** What each of those modules brings with it, directly or not, that it may not; a sentence each. */
export function strayPackages(parts: readonly Part[]): readonly string[] {
  return Object.entries(ALLOWED).flatMap(([module, allowed]) => {
    const part = parts.find(({ facadeModuleId, moduleIds }) =>
      [facadeModuleId, ...moduleIds].some((id) => id?.endsWith(module)),
    );
    if (part === undefined) return [`${module} is in no part of the bundle`];
    const packages = new Set(withImports(part, parts).flatMap(({ moduleIds }) => moduleIds.flatMap(packageName)));
    return [...packages].filter((name) => !allowed.includes(name)).map((name) => `${module} brings ${name} with it`);
  });
}

function withImports(first: Part, parts: readonly Part[]): readonly Part[] {
  const seen = new Set([first]);
  for (const part of seen) {
    for (const imported of parts.filter(({ fileName }) => part.imports.includes(fileName))) seen.add(imported);
  }
  return [...seen];
}

/** The package that a module belongs to; none for our own. */
function packageName(module: string): readonly string[] {
  const [, path] = module.split(/.*\/node_modules\//);
  const [scope = "", name = ""] = path?.split("/") ?? [];
  return path === undefined ? [] : [scope.startsWith("@") ? `${scope}/${name}` : scope];
}
