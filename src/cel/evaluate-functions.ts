import type { CelFunction, CelFunctions } from "./evaluate-context.ts";
import { CONVERSION_FUNCTIONS } from "./evaluate-conversions.ts";
import { LIST_FUNCTIONS } from "./evaluate-lists.ts";
import { NETWORK_FUNCTIONS } from "./evaluate-network.ts";
import { QUANTITY_FUNCTIONS } from "./evaluate-quantity.ts";
import { TEXT_FUNCTIONS } from "./evaluate-text.ts";
import { TIME_FUNCTIONS } from "./evaluate-time.ts";
import { URL_FUNCTIONS } from "./evaluate-url.ts";

const FUNCTIONS: CelFunctions = {
  ...CONVERSION_FUNCTIONS,
  ...LIST_FUNCTIONS,
  ...NETWORK_FUNCTIONS,
  ...QUANTITY_FUNCTIONS,
  ...TEXT_FUNCTIONS,
  ...TIME_FUNCTIONS,
  ...URL_FUNCTIONS,
};

/** Words before a dot that are no values: `ip.isCanonical(x)`. The parser joins the others itself. */
export const FUNCTION_NAMESPACES: ReadonlySet<string> = new Set(["ip", "format"]);

/** A function of Kubernetes' environment of CEL by its name, with its namespace. */
export const functionOf = (name: string): CelFunction | undefined =>
  Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
