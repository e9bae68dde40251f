import type { Mend } from "../../model/edit.ts";
import type { FieldPath } from "../../model/field-path.ts";
import { authFlows, headerOf, itemsOf } from "../auth/auth-flow.ts";
import { POLICY } from "../auth/example-objects.ts";
import { secretValue } from "../auth/secret-text.ts";
import { celString } from "../expressions/quote.ts";
import { defineRule } from "../rule.ts";

/** A header's text is repeated in a hint only when it is short and plain: a longer one may be a credential. */
const PLAIN_WORD = /^[a-z][a-z-]{0,15}$/;

function hintFor(value: unknown): string {
  const text = typeof value === "string" && (value === "" || PLAIN_WORD.test(value)) ? celString(value) : "'…'";
  return `Write it as an expression, which is a text in quotes: \`plain: {expression: "${text}"}\`.`;
}

/** A text that CEL writes as it is. What may be a credential is not written into a mend, which is shown. */
const PRINTABLE = /^[\x20-\x7e]*$/;

function mendFor(value: unknown, plain: FieldPath): Mend | undefined {
  const text = typeof value === "string" ? value : typeof value === "boolean" ? `${value}` : undefined;
  if (text === undefined || !PRINTABLE.test(text) || text.includes("\\") || secretValue(text) !== undefined) {
    return undefined;
  }
  return {
    title: "write the constant as an expression",
    edits: [
      { op: "remove", path: [...plain, "value"] },
      { op: "set", path: [...plain, "expression"], value: celString(text) },
    ],
  };
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
        const mend = mendFor(plain.value, [...item.path, "plain"]);
        return [
          {
            path: [...item.path, "plain", "value"],
            message: `with the Authorino versions that were checked, \`${headerOf(item)}\` arrives as the bytes of the constant, such as \`{[34 121 101 115 34] <nil>}\`, instead of the text`,
            hint: hintFor(plain.value),
            ...(mend === undefined ? {} : { mend }),
          },
        ];
      });
  },

  bad: [
    {
      name: "a word",
      finds: [
        {
          path: 'spec.rules.response.success.headers["x-egress"].plain.value',
          mended:
            '- spec.rules.response.success.headers["x-egress"].plain.value; spec.rules.response.success.headers["x-egress"].plain.expression: \'yes\'',
        },
      ],
      yaml: `${POLICY}
          rules:
            response: {success: {headers: {x-egress: {plain: {value: "yes"}}}}}`,
    },
    {
      name: "an empty text and a number, in overrides",
      finds: [
        {
          path: "spec.overrides.rules.response.success.headers.authorization.plain.value",
          mended:
            "- spec.overrides.rules.response.success.headers.authorization.plain.value; spec.overrides.rules.response.success.headers.authorization.plain.expression: ''",
        },
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
