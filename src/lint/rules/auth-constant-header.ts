import { authFlows, headerOf, itemsOf } from "../auth/auth-flow.ts";
import { POLICY } from "../auth/example-objects.ts";
import { celString } from "../expressions/quote.ts";
import { defineRule } from "../rule.ts";

/** A header's text is repeated in a hint only when it is short and plain: a longer one may be a credential. */
const PLAIN_WORD = /^[a-z][a-z-]{0,15}$/;

function hintFor(value: unknown): string {
  const text = typeof value === "string" && (value === "" || PLAIN_WORD.test(value)) ? celString(value) : "'…'";
  return `Write it as an expression, which is a text in quotes: \`plain: {expression: "${text}"}\`.`;
}

export const rule = defineRule({
  id: "auth-constant-header",
  kinds: ["AuthPolicy"],
  reads: [],
  severity: "warning",
  scope: "object",
  title: "A constant header value arrives garbled",
  why: "Authorino prints the bytes of a constant instead of its text. The provider receives a header that nobody wrote, and a constant empty one does not take the caller's token off.",
  fix: "Write the constant as an expression: `plain: {expression: \"'text'\"}`.",
  sources: [
    'Observed on Authorino 58fecc6c: `value: "yes"` reached the provider as `{[34 121 101 115 34] <nil>}`; constants in JSON properties and in the answers to denied requests are right',
  ],
  since: "0.2.0",

  check(object) {
    return authFlows(object)
      .flatMap((flow) => itemsOf(flow, "response"))
      .filter((item) => headerOf(item) !== undefined)
      .flatMap((item) => {
        const { plain } = item.value;
        if (plain?.value === undefined || plain.expression !== undefined || plain.selector !== undefined) return [];
        return [
          {
            path: [...item.path, "plain", "value"],
            message: `with the Authorino versions that were checked, \`${headerOf(item)}\` arrives as the bytes of the constant, such as \`{[34 121 101 115 34] <nil>}\`, instead of the text`,
            hint: hintFor(plain.value),
          },
        ];
      });
  },

  bad: [
    {
      name: "a word",
      finds: [{ path: 'spec.rules.response.success.headers["x-egress"].plain.value' }],
      yaml: `${POLICY}
          rules:
            response: {success: {headers: {x-egress: {plain: {value: "yes"}}}}}`,
    },
    {
      name: "an empty text and a number, in overrides",
      finds: [
        { path: "spec.overrides.rules.response.success.headers.authorization.plain.value" },
        { path: 'spec.overrides.rules.response.success.headers["x-shard"].plain.value' },
      ],
      yaml: `${POLICY}
          overrides:
            rules:
              response:
                success:
                  headers:
                    authorization: {plain: {value: ""}}
                    x-shard: {plain: {value: 7}}`,
    },
  ],
  good: [
    {
      name: "a text as an expression",
      yaml: `${POLICY}
          rules:
            response: {success: {headers: {x-egress: {plain: {expression: "'yes'"}}}}}`,
    },
    {
      name: "constants in JSON, in a filter and in the answer to a denied request",
      yaml: `${POLICY}
          rules:
            response:
              success:
                headers: {x-id: {json: {properties: {n: {value: 1}}}}}
                filters: {plan: {plain: {value: gold}}}
              unauthorized: {headers: {x-why: {value: plan}}, body: {value: no plan}}`,
    },
  ],
});
