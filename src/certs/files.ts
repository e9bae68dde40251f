import { SluiceError } from "../model/errors.ts";
import type { Log } from "../observe/log.ts";
import { makeAuthority, type ServerNames, signLeaf } from "./authority.ts";
import { CERTIFICATE_FILES, type CertificateFiles, readFiles, withLock, writeFiles } from "./directory.ts";
import { daysLeft, hasNames, inspectPair, isCurrent, isDueForRenewal, issuerIn } from "./inspect.ts";
import type { ServerCertificate } from "./server-certificate.ts";

type Wanted = {
  readonly directory: string;
  readonly names: ServerNames;
  readonly now: () => number;
  readonly log: Log;
};

/**
 * The development store: a CA and a server certificate in a folder, made when absent, used as long as they are good.
 * A new server certificate is made when less than a third of its life is left, when the names have changed, or when
 * the files do not fit together; the CA stays while it can sign, so that whoever trusts `ca.crt` need not act.
 * A broken file is named in the log and replaced. Fails with SLUICE_CERTIFICATES_FAILED when the folder cannot be used.
 */
export async function ensureCertificateFiles(wanted: Wanted): Promise<ServerCertificate> {
  const found = await readFiles(wanted.directory);
  if (reasonToRenew(found, wanted) === undefined) return certificateOf(found);
  return withLock(wanted.directory, async () => {
    // Another process may have made them while this one waited for its turn.
    const files = await readFiles(wanted.directory);
    const reason = reasonToRenew(files, wanted);
    if (reason === undefined) return certificateOf(files);
    const attribution = { directory: wanted.directory, reason };
    if (isEmpty(files)) wanted.log.info(attribution, "making certificates");
    else wanted.log.warn(attribution, "making new certificates");
    const made = await renewed(files, wanted);
    await writeFiles(wanted.directory, made);
    return certificateOf(made);
  });
}

const certificateOf = ({ leafCert, leafKey, caCert }: CertificateFiles): ServerCertificate => ({
  cert: leafCert,
  key: leafKey,
  caBundle: caCert,
});

/** Why the files cannot go on being used, in words for the log; undefined when they can. */
function reasonToRenew(files: CertificateFiles, { names, now }: Wanted): string | undefined {
  if (isEmpty(files)) return "there are none yet";
  const absent = (["caCert", "leafCert", "leafKey"] as const).find((file) => files[file] === "");
  if (absent !== undefined) return `${CERTIFICATE_FILES[absent]} is absent or empty`;
  const leaf = inspectPair({ cert: files.leafCert, key: files.leafKey });
  if (!leaf.ok) return `${CERTIFICATE_FILES.leafCert} ${leaf.problems.join(" and ")}`;
  if (!isCurrent(leaf.value, now())) return `${CERTIFICATE_FILES.leafCert} is not valid now`;
  if (issuerIn(files.leafCert, files.caCert, now()) === undefined) {
    return `${CERTIFICATE_FILES.leafCert} is not signed by a valid CA in ${CERTIFICATE_FILES.caCert}`;
  }
  if (!hasNames(files.leafCert, names)) return `${CERTIFICATE_FILES.leafCert} stands for other names`;
  return isDueForRenewal(leaf.value, now())
    ? `${CERTIFICATE_FILES.leafCert} ends in ${Math.floor(daysLeft(leaf.value, now()))} days`
    : undefined;
}

async function renewed(files: CertificateFiles, { names, now, log }: Wanted): Promise<CertificateFiles> {
  const stored = { cert: files.caCert, key: files.caKey, generation: 1 };
  const inspected = inspectPair(stored);
  const usable = inspected.ok && inspected.value.ca && isCurrent(inspected.value, now());
  const keep = usable && !isDueForRenewal(inspected.value, now());
  if (!keep && !isEmpty(files)) log.warn("making a new CA: clients that trust the old one must be given the new file");
  const authority = keep ? stored : await makeAuthority({ generation: 1, now: now() });
  const authorityPair = inspectPair(authority);
  if (!authorityPair.ok) {
    throw new SluiceError("SLUICE_CERTIFICATES_FAILED", "a new CA does not hold together", "report this as a bug");
  }
  const leaf = await signLeaf({ authority, authorityNotAfter: authorityPair.value.notAfter, names, now: now() });
  return { caCert: authority.cert, caKey: authority.key, leafCert: leaf.cert, leafKey: leaf.key };
}

const isEmpty = (files: CertificateFiles): boolean => Object.values(files).every((text) => text === "");
