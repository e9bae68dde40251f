import { generate } from "selfsigned";
import type { ServerCertificate } from "../../src/admission/tls.ts";

type Authority = { readonly cert: string; readonly key: string };

const ecdsa = { keyType: "ec", curve: "P-256", algorithm: "sha256" } as const;

/** A CA for tests. */
export async function makeCa(name: string): Promise<Authority> {
  const made = await generate([{ name: "commonName", value: name }], {
    ...ecdsa,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true },
    ],
  });
  return { cert: made.cert, key: made.private };
}

/** A certificate of that CA, for a server on 127.0.0.1 or for a client. */
export async function makeLeaf(ca: Authority, name: string, use: "server" | "client"): Promise<ServerCertificate> {
  const made = await generate([{ name: "commonName", value: name }], {
    ...ecdsa,
    ca: { key: ca.key, cert: ca.cert },
    extensions: [
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", ...(use === "server" ? { serverAuth: true } : { clientAuth: true }) },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: name },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { cert: made.cert, key: made.private };
}
