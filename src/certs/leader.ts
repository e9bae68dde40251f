import type { Log } from "../observe/log.ts";
import { type Authority, makeAuthority, type ServerNames, signLeaf } from "./authority.ts";
import { newestGeneration, unionOfBundles } from "./ca-bundle.ts";
import type { CertificateApi } from "./cluster-api.ts";
import { hasNames, inspectPair, isCurrent, isDueForRenewal, issuerIn } from "./inspect.ts";
import { AUTHORITY_SECRET, authorityData, readAuthorities } from "./stored-authority.ts";
import { readServerSecret, SERVER_SECRET, serverData } from "./stored-server.ts";
import { bundleOf, type Registration, type WebhookBundles } from "./webhook-bundles.ts";

export type LeaderInput = {
  readonly api: CertificateApi;
  readonly bundles: WebhookBundles;
  readonly names: ServerNames;
  readonly now: () => number;
  readonly log: Log;
  /** Asked again before every write: leadership can be lost in the middle of a pass. */
  readonly leading: () => boolean;
};

/** `again` asks for another pass soon: something was written by another process meanwhile. */
export type LeaderOutcome = "settled" | "again";

type Signing = Authority & { readonly notAfter: number };

/**
 * One pass of the leader, derived anew from what is stored: a CA that can sign, its certificate in every caBundle, and
 * only then a server certificate. In this order the API server never meets a certificate that it has not been told to
 * trust. Whatever has been trusted stays trusted (`unionOfBundles`), so a lost key costs no outage.
 */
export async function leaderPass(input: LeaderInput, registrations: readonly Registration[]): Promise<LeaderOutcome> {
  const secret = await input.api.readSecret(AUTHORITY_SECRET);
  const stored = readAuthorities(secret, input.now());
  const known = unionOfBundles([stored.bundle, bundleOf(registrations)]);
  if (stored.active === undefined) {
    input.log.warn({ reason: stored.problem }, "making a new CA");
    const authority = await makeAuthority({ generation: newestGeneration([known]) + 1, now: input.now() });
    const data = authorityData(authority, known);
    if (!input.leading()) return "again";
    if (secret === undefined) await input.api.createSecret(AUTHORITY_SECRET, "Opaque", data);
    else await input.api.patchSecret(AUTHORITY_SECRET, data, secret.resourceVersion);
    // Written or not, the next pass reads what is stored now, and nothing else is ever signed with.
    return "again";
  }
  if (!input.leading()) return "again";
  const inSync = await input.bundles.fill(registrations, known);
  return ensureLeaf(input, { authority: stored.active, known, inSync });
}

type Trust = { readonly authority: Signing; readonly known: string; readonly inSync: boolean };

async function ensureLeaf(input: LeaderInput, { authority, known, inSync }: Trust): Promise<LeaderOutcome> {
  const { api, names, now, log } = input;
  const secret = await api.readSecret(SERVER_SECRET);
  const reason = reasonToSign(readServerSecret(secret), { known, names, now: now() });
  if (reason === undefined) return "settled";
  // A certificate that still works is kept until everybody who must trust its successor does.
  if (!inSync && !reason.urgent) return "settled";
  const leaf = await signLeaf({ authority, authorityNotAfter: authority.notAfter, names, now: now() });
  if (!input.leading()) return "again";
  log.info({ reason: reason.text, generation: authority.generation }, "signing a server certificate");
  const data = serverData({ ...leaf, caBundle: known }, authority.generation);
  const outcome =
    secret === undefined
      ? await api.createSecret(SERVER_SECRET, "kubernetes.io/tls", data)
      : await api.patchSecret(SERVER_SECRET, data, secret.resourceVersion);
  return outcome === "conflict" ? "again" : "settled";
}

type Wanted = { readonly known: string; readonly names: ServerNames; readonly now: number };

/** Why a new leaf is needed; `urgent` when the one there is of no use. Undefined when it is good. */
function reasonToSign(
  stored: ReturnType<typeof readServerSecret>,
  { known, names, now }: Wanted,
): { readonly text: string; readonly urgent: boolean } | undefined {
  if (stored === undefined) return { text: "the TLS Secret does not exist", urgent: true };
  const inspected = inspectPair(stored);
  if (!inspected.ok) return { text: `tls.crt ${inspected.problems.join(" and ")}`, urgent: true };
  if (!isCurrent(inspected.value, now)) return { text: "tls.crt is not valid now", urgent: true };
  if (issuerIn(stored.cert, known, now) === undefined) {
    return { text: "tls.crt is not signed by a CA of ours that is valid", urgent: true };
  }
  if (!hasNames(stored.cert, names)) return { text: "tls.crt stands for other names", urgent: false };
  return isDueForRenewal(inspected.value, now)
    ? { text: "less than a third of the certificate's life is left", urgent: false }
    : undefined;
}
