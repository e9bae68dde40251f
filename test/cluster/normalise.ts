/** What differs from run to run although nothing has changed, and what a transcript shows in its place. */
const REPLACEMENTS: readonly (readonly [pattern: RegExp, shown: string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "<uid>"],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, "<time>"],
  [/\b127\.0\.0\.1:\d+/g, "127.0.0.1:<port>"],
  [/("?resourceVersion"?: ?)"\d+"/g, '$1"<version>"'],
  // The names that controllers give pods: the hash of a ReplicaSet's template, then five characters of Kubernetes'
  // alphabet without vowels (SOURCE: k8s.io/apimachinery, util/rand).
  [/-[0-9a-f]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, "-<hash>-<random>"],
  [/^((?:pod\/)?[a-z0-9-]+)-[bcdfghjklmnpqrstvwxz2456789]{5}(?=\s|$)/gm, "$1-<random>"],
  // The AGE column, which stands last; columns are at least three blanks apart.
  [/ {3,}\d+(?:s|m|m\d+s)$/gm, "   <age>"],
];

/** Makes the output of two runs of one story equal. */
export const normalise = (text: string): string =>
  REPLACEMENTS.reduce((result, [pattern, shown]) => result.replace(pattern, shown), text);
