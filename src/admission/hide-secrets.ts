import type { Finding } from "../model/finding.ts";

const HIDDEN = "********";

/** A finding without the credentials that its object holds in clear: answers end in logs, audit logs and terminals. */
export function hideSecrets(finding: Finding, secrets: readonly string[]): Finding {
  if (secrets.length === 0) return finding;
  const hide = (text: string): string => secrets.reduce((shown, secret) => shown.replaceAll(secret, HIDDEN), text);
  return {
    ...finding,
    title: hide(finding.title),
    message: hide(finding.message),
    hint: hide(finding.hint),
    path: finding.path.map((step) => (typeof step === "string" ? hide(step) : step)),
  };
}
