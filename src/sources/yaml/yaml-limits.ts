/**
 * What one input may be. Each limit is far above real manifests and low enough that reaching it takes seconds
 * and some hundred MiB at worst (measured on one core), never minutes.
 */
export const YAML_LIMITS = {
  /** The largest CustomResourceDefinition bundles in use are 1-2 MiB; an API server takes objects of 3 MiB at most. */
  bytes: 4 * 1024 * 1024,
  /** Maps and lists inside one another. The deepest real objects (CRD schemas) reach 40. */
  depth: 100,
  /** Uses of anchors in one document, uses inside an anchor's content counted each time it is used. */
  aliases: 100,
  /** Values that uses of anchors add to one document. */
  aliasedValues: 100_000,
  /** Documents of one input. */
  documents: 10_000,
  /** Lexical tokens of one input: 4 MiB of `[a,a,…` would otherwise need 10 s and 2 GB. Dense JSON of 4 MiB has 1.3 million. */
  tokens: 2_000_000,
} as const;
