/**
 * Plain scalars that kubectl reads otherwise than YAML 1.2 says: it follows YAML 1.1.
 * SOURCE: go.yaml.in/yaml/v2 resolve.go, which sigs.k8s.io/yaml and so kubectl use.
 */
const YES = new Set(["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"]);
const NO = new Set(["n", "N", "no", "No", "NO", "off", "Off", "OFF"]);
const LEADING_ZERO = /^[-+]?0[0-7]+$/;
const UNDERSCORED = /^[-+]?[0-9][0-9_]*$/;
const BINARY = /^[-+]?0b[01]+$/;

/**
 * What kubectl makes of a plain scalar, when that is not what YAML 1.2 and this program make of it: `true` for
 * `yes`, 511 for `0777`. Undefined when both agree.
 */
export function kubectlReading(source: string): string | undefined {
  if (YES.has(source)) return "true";
  if (NO.has(source)) return "false";
  const digits = source.replaceAll("_", "").replace(/^[-+]/, "");
  const sign = source.startsWith("-") ? "-" : "";
  if (LEADING_ZERO.test(source)) return `${sign}${Number.parseInt(digits, 8)}`;
  if (source.includes("_") && UNDERSCORED.test(source)) return `${sign}${Number(digits)}`;
  if (BINARY.test(source)) return `${sign}${Number.parseInt(digits.slice(2), 2)}`;
  return undefined;
}
