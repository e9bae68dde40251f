import { fields, type Read, text } from "../shape.ts";

/** Gateway API LocalPolicyTargetReferenceWithSectionName: always in the policy's own namespace. */
export const targetRefShape = fields({ group: text, kind: text, name: text, sectionName: text });
export type TargetRef = Read<typeof targetRefShape>;
