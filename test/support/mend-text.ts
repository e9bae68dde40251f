import type { Found } from "../../src/cli/mend-candidates.ts";
import { type MendOutcome, mendInRounds, type Texts } from "../../src/cli/mend-rounds.ts";
import type { Rule } from "../../src/lint/rule.ts";
import { lintTopology } from "../../src/lint/run.ts";
import { identityOf } from "../../src/model/object-ref.ts";
import { buildTopology } from "../../src/model/topology.ts";
import { mergeObjects, objectsOfText } from "../../src/sources/manifests.ts";

/** Some texts as one input, judged by some rules in the strict profile. */
export function judgeTexts(texts: Texts, rules: readonly Rule[]): Found {
  const objects = mergeObjects([...texts].map(([file, text]) => objectsOfText(text, file)));
  const topology = buildTopology(objects.decoded);
  const written = new Map(objects.decoded.map((object) => [identityOf(object.ref), object]));
  const all = lintTopology(topology, { rules, profile: "strict" }).map((finding) => {
    const place = written.get(identityOf(finding.object))?.locate(finding.path);
    return { finding, ...(place === undefined ? {} : { place }) };
  });
  return {
    input: {
      manifests: { ...objects, files: [...texts.keys()] },
      rawOf: (ref) => written.get(identityOf(ref))?.raw,
      fileOf: (ref) => written.get(identityOf(ref))?.file,
      indexOf: (ref) => written.get(identityOf(ref))?.index,
    },
    all,
    chosen: all,
  };
}

/** What `--fix` makes of some texts. */
export const mendTexts = (texts: Texts, rules: readonly Rule[]): Promise<MendOutcome<Found>> =>
  mendInRounds({
    find: (changed) => Promise.resolve(judgeTexts(new Map([...texts, ...changed]), rules)),
    textOf: (file) => Promise.resolve(texts.get(file)),
  });

/** What `--fix` makes of one text, and what it fixed. */
export async function mendText(text: string, rules: readonly Rule[]) {
  const outcome = await mendTexts(new Map([["f.yaml", text]]), rules);
  return { ...outcome, text: outcome.texts.get("f.yaml") ?? text };
}
