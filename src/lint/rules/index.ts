import type { Rule } from "../rule.ts";
import { rule as destinationRuleWeakVerification } from "./destinationrule-weak-verification.ts";

/** Every rule, sorted by id. A new rule is one new file and one line here. */
export const rules: readonly Rule[] = [destinationRuleWeakVerification];
