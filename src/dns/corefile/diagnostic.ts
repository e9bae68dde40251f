import type { Place } from "../../model/place.ts";

/**
 * What a problem is about. `parse`: the text or a setting is wrong. `syntax`: a block is not closed. `unsupported`: a
 * directive that CoreDNS knows and Sluice does not. `lint`: it would start, and do what nobody wants.
 */
export type DiagnosticKind = "parse" | "syntax" | "unsupported" | "lint";

export type Diagnostic = {
  readonly severity: "error" | "warning";
  readonly kind: DiagnosticKind;
  readonly place: Place;
  readonly message: string;
};

/** Collects what is wrong, so that one run shows all of it. */
export type Report = {
  readonly add: (diagnostic: Diagnostic) => void;
  readonly error: (place: Place, message: string) => undefined;
  readonly warning: (place: Place, message: string) => undefined;
  readonly diagnostics: () => readonly Diagnostic[];
  readonly hasErrors: () => boolean;
};

/** More problems than this help nobody, and a hostile file must not make us hold a million of them. */
const MAX_DIAGNOSTICS = 1000;

export function createReport(): Report {
  const found: Diagnostic[] = [];
  let errors = 0;
  const add = (diagnostic: Diagnostic): void => {
    if (diagnostic.severity === "error") errors += 1;
    if (found.length < MAX_DIAGNOSTICS) found.push(diagnostic);
    else if (found.length === MAX_DIAGNOSTICS) {
      const message = `more than ${MAX_DIAGNOSTICS} problems, the rest is not shown`;
      found.push({ ...diagnostic, severity: "error", kind: "parse", message });
    }
  };
  const adder = (severity: Diagnostic["severity"]) => (place: Place, message: string) => {
    add({ severity, kind: "parse", place, message });
    return undefined;
  };
  return {
    add,
    error: adder("error"),
    warning: adder("warning"),
    diagnostics: () => found,
    hasErrors: () => errors > 0,
  };
}

const LABELS: Readonly<Record<DiagnosticKind, string>> = {
  parse: "Error during parsing: ",
  syntax: "Syntax error: ",
  unsupported: "",
  lint: "",
};

/** `FILE:LINE - Error during parsing: …`, the form of Caddy's Corefile errors, on one line. */
export function formatDiagnostic({ severity, kind, place, message }: Diagnostic): string {
  const label = severity === "warning" ? "Warning: " : LABELS[kind];
  return `${place.file}:${place.line} - ${label}${message.replaceAll(/[\r\n]+/g, " ")}`;
}
