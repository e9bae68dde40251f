import type { Directive } from "../directive.ts";
import { hasShape } from "../read-arguments.ts";

export type LoadbalanceSettings = { readonly policy: "round_robin" };

/** `loadbalance [round_robin]`: A, AAAA and MX records change their order, aliases stay in front. */
export const loadbalanceDirective: Directive<LoadbalanceSettings> = {
  occurs: "once",
  setup: (line, context) => {
    const [policy] = line.args;
    for (const { name } of line.block ?? []) {
      context.error(name, `loadbalance option '${name.text}' is not supported: remove it, all addresses take turns`);
    }
    if (policy?.text === "weighted") {
      context.error(
        policy,
        "policy 'weighted' is not supported: give the gateway several addresses, or use round_robin",
      );
    } else if (policy !== undefined && policy.text !== "round_robin") {
      context.error(policy, `unknown policy: ${policy.text}; write round_robin`);
    } else {
      hasShape(line, { form: "loadbalance [round_robin]", maximum: 1, block: true }, context);
    }
    return { policy: "round_robin" };
  },
};
