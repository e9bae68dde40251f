/** Every way Sluice can refuse to run. A code is API: never renamed, never reused. docs/errors.md lists them. */
export const ERROR_CODES = {
  SLUICE_USAGE: "the command line cannot be understood",
  SLUICE_CONFIG_INVALID: "a setting has a value that cannot be used",
  SLUICE_INPUT_UNREADABLE: "an input file or stream cannot be read",
  SLUICE_INPUT_INVALID: "an input file does not hold what it should",
  SLUICE_OUTPUT_FAILED: "an output file cannot be written",
  SLUICE_LISTEN_FAILED: "a network address cannot be listened on",
  SLUICE_CLUSTER_UNREACHABLE: "the Kubernetes API server cannot be used",
  SLUICE_CERTIFICATES_FAILED: "certificates cannot be made, read or stored",
  SLUICE_DNS_FAILED: "a DNS query could not be answered",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** The one class in src/. `message` says what is wrong and where; `hint` is the next thing the reader should do. */
export class SluiceError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "SluiceError";
    this.code = code;
    this.hint = hint;
  }
}
