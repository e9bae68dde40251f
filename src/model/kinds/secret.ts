import { fields, text } from "../shape.ts";

/**
 * core/v1 Secret: metadata, type, and of a DNS provider's Secret the zone list. Credentials never enter the model:
 * only these keys are read.
 */
export const secretShape = fields({
  type: text,
  data: fields({ ZONES: text, NAMESERVERS: text }),
  stringData: fields({ ZONES: text, NAMESERVERS: text }),
});

/** Drops everything of a Secret that could be a credential, for code that keeps the untyped object. */
export const withoutSecretData = (raw: Record<string, unknown>): Record<string, unknown> => {
  const { data: _data, stringData: _stringData, ...rest } = raw;
  return rest;
};
