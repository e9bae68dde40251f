import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { until } from "../wait.ts";
import type { Child, Children } from "./children.ts";

/** kube-apiserver on two cores needs 4 s; thrice that and more for a busy machine. */
const READY_SECONDS = 60;
/** Services get addresses from here. Nothing routes them at this level; the tests only compare them. */
export const SERVICE_CIDR = "10.96.0.0/16";

export type ApiServer = {
  readonly url: string;
  readonly token: string;
  readonly keyFile: string;
  readonly caFile: string;
  /** What it writes about every change of an object that the validating webhook may be asked about, one JSON a line. */
  readonly auditLog: string;
  /** SIGKILL: the process is gone, connections are reset. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Starts it again after `kill`, on the same port with the same certificate; resolves when it is ready. */
  restart(): Promise<void>;
};

/** Who changed what, and what webhooks said about it: no bodies, and nothing of the controllers' own kinds. */
const AUDIT_POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    {
      level: "Metadata",
      verbs: ["create", "update", "patch", "delete"],
      resources: [
        { group: "kuadrant.io" },
        { group: "extensions.kuadrant.io" },
        { group: "gateway.networking.k8s.io" },
        { group: "networking.istio.io" },
        { group: "security.istio.io" },
      ],
    },
    { level: "None" },
  ],
};

export async function startApiServer(
  children: Children,
  binary: string,
  options: { readonly port: number; readonly etcdUrl: string },
): Promise<ApiServer> {
  const { folder } = children;
  const url = `https://127.0.0.1:${options.port}`;
  const caFile = join(folder, "api-server", "apiserver.crt");
  const keyFile = join(folder, "service-accounts.key");
  const tokenFile = join(folder, "tokens.csv");
  const auditLog = join(folder, "audit.log");
  const auditPolicyFile = join(folder, "audit-policy.json");
  await writeFile(auditPolicyFile, JSON.stringify(AUDIT_POLICY));
  const token = randomBytes(16).toString("hex");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await writeFile(keyFile, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  await writeFile(tokenFile, `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
  const args = [
    ...[`--etcd-servers=${options.etcdUrl}`, "--bind-address=127.0.0.1", `--secure-port=${options.port}`],
    ...[`--cert-dir=${join(folder, "api-server")}`, "--advertise-address=127.0.0.1"],
    // A loopback address cannot be an endpoint of the Service `kubernetes`; nothing here uses that Service.
    "--endpoint-reconciler-type=none",
    ...[`--service-account-key-file=${keyFile}`, `--service-account-signing-key-file=${keyFile}`],
    ...["--service-account-issuer=https://kubernetes.default.svc.cluster.local", `--token-auth-file=${tokenFile}`],
    ...[`--audit-log-path=${auditLog}`, `--audit-policy-file=${auditPolicyFile}`],
    ...["--authorization-mode=Node,RBAC", `--service-cluster-ip-range=${SERVICE_CIDR}`, "--allow-privileged=true"],
  ];
  let child: Child;
  const start = async () => {
    child = children.start("kube-apiserver", binary, args);
    await untilReady(child, caFile, url, token);
  };
  await start();
  return {
    ...{ url, token, keyFile, caFile, auditLog },
    kill: async () => void (await child.stop("SIGKILL")),
    pause: () => child.signal("SIGSTOP"),
    resume: () => child.signal("SIGCONT"),
    restart: start,
  };
}

async function untilReady(child: Child, caFile: string, url: string, token: string): Promise<void> {
  const ready = await until(
    "kube-apiserver is ready",
    async () => {
      if (!child.alive()) return "ended";
      return (await readyz(url, await readFile(caFile), token)) === 200 ? "ready" : undefined;
    },
    READY_SECONDS,
  );
  if (ready === "ended") throw new Error(`kube-apiserver ended at once:\n${await child.logTail()}`);
}

const readyz = (url: string, ca: Buffer, token: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const options = { ca, headers: { authorization: `Bearer ${token}` }, agent: false, timeout: 2000 };
    const asked = request(`${url}/readyz`, options, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer within 2 s")));
    asked.on("error", reject);
    asked.end();
  });
