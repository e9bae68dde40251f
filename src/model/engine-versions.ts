import { fail, ok, type Result } from "./result.ts";

/** The programs whose behaviour the rules are about. */
export const COMPONENTS = ["wasm-shim", "kuadrant-operator", "authorino", "limitador", "istio"] as const;

export type Component = (typeof COMPONENTS)[number];

/** A release: major, minor, patch. A component that is not listed is taken at the head that the rules were read from. */
export type Release = readonly [major: number, minor: number, patch: number];
export type EngineVersions = ReadonlyMap<Component, Release>;

/** How a release is written; a pre-release counts as its release, `head` as the newest. */
export const VERSION_FORM = {
  pattern: /^(?:head|v?[0-9]{1,4}\.[0-9]{1,4}(?:\.[0-9]{1,4})?(?:-[0-9A-Za-z.-]{1,32})?)$/,
  expects: "a release such as v0.11.0, or head",
};

/** The earliest releases that tables of the rules were compared with; what earlier ones do is not known here. */
const OLDEST: Partial<Record<Component, Release>> = { "wasm-shim": [0, 8, 0] };

const compare = (a: Release, b: Release): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];

const formatRelease = (release: Release): string => `v${release.join(".")}`;

/** Reads one release; `undefined` stands for `head`. The problem says what would be accepted. */
export function parseRelease(component: Component, text: string): Result<Release | undefined> {
  if (!VERSION_FORM.pattern.test(text)) return fail(`"${text}" is no ${VERSION_FORM.expects}`);
  if (text === "head") return ok(undefined);
  const [major = 0, minor = 0, patch = 0] = (text.replace(/^v/, "").split("-")[0] ?? "").split(".").map(Number);
  const release: Release = [major, minor, patch];
  const oldest = OLDEST[component];
  if (oldest !== undefined && compare(release, oldest) < 0) {
    return fail(`the rules know ${component} from ${formatRelease(oldest)} on, not ${formatRelease(release)}`);
  }
  return ok(release);
}

/** Whether a component is known to be older than a release; false for one that is not named. */
export const isBefore = (versions: EngineVersions | undefined, component: Component, release: Release): boolean => {
  const own = versions?.get(component);
  return own !== undefined && compare(own, release) < 0;
};
