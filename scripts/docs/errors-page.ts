import { ERROR_CODES } from "../../src/model/errors.ts";

/** docs/errors.md: every way to refuse to run. */
export const errorsPage = (): string =>
  [
    "# Errors",
    "",
    "Sluice refuses to run with one of these codes, on stderr, with the place and a hint, and exit code 2.",
    "A code is never renamed or reused. Generated from `src/model/errors.ts`.",
    "",
    "| Code | Means |",
    "|---|---|",
    ...Object.entries(ERROR_CODES).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`),
    "",
    "Exit codes: 0 clean, 1 findings of level error (or a pod that would be denied), 2 wrong usage or unreadable input,",
    "3 a defect of Sluice.",
    "",
  ].join("\n");
