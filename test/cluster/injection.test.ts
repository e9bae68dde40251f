import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { currentCluster } from "./cluster.ts";
import { untilPodsAreAccepted } from "./control-plane/start.ts";
import { type Installation, install, NAMESERVER } from "./installation.ts";
import { startTranscript } from "./transcript.ts";
import { until } from "./wait.ts";

/** What decides where a pod's queries go, as a user would print it. */
const DNS_COLUMNS =
  "custom-columns=POLICY:.spec.dnsPolicy,NAMESERVERS:.spec.dnsConfig.nameservers,OPTIONS:.spec.dnsConfig.options[*].name";
const NAMED_COLUMNS = `custom-columns=NAME:.metadata.name,${DNS_COLUMNS.slice("custom-columns=".length)}`;

const cluster = currentCluster();
const { kubectl } = cluster;
let sluice: Installation;

beforeAll(async () => {
  sluice = await install(cluster);
});
afterAll(() => sluice?.close());

/** A namespace whose pods the API server accepts and, when it is opted in, already sends to the webhook. */
async function namespace(name: string, egress?: "audit" | "enabled" | "strict"): Promise<void> {
  await kubectl.must(["create", "namespace", name]);
  if (egress !== undefined) await kubectl.must(["label", "namespace", name, `sluice.dev/egress=${egress}`]);
  await untilPodsAreAccepted(kubectl, name);
  if (egress !== undefined) await sluice.untilOptedIn(name);
}

const untilPods = (name: string, selector: string, count: number) =>
  until(`${count} pods of ${selector} in ${name}`, async () => {
    const { items } = await kubectl.get<{ items: unknown[] }>(["pods", "-n", name, "-l", selector]);
    return items.length === count;
  });

async function nameserversOf(name: string, pod: string): Promise<readonly string[] | undefined> {
  type Pod = { spec: { dnsConfig?: { nameservers?: string[] } } };
  return (await kubectl.get<Pod>(["pod", pod, "-n", name])).spec.dnsConfig?.nameservers;
}

describe("a bare pod", () => {
  test("asks Sluice's resolver alone in a labelled namespace, and cluster DNS elsewhere", async () => {
    const user = startTranscript("injection/bare-pod", cluster);
    await user.succeed("kubectl create namespace shop");
    await untilPodsAreAccepted(kubectl, "shop");
    user.note("before the label: the pod keeps cluster DNS");
    await user.succeed("kubectl run before --image=nginx -n shop");
    await user.succeed(`kubectl get pod before -n shop -o ${DNS_COLUMNS}`);
    await user.succeed("kubectl label namespace shop sluice.dev/egress=enabled");
    await sluice.untilOptedIn("shop");
    user.note("after the label: every nameserver is Sluice's, and short names still work (searches, ndots)");
    await user.succeed("kubectl run after --image=nginx -n shop");
    await user.succeed(`kubectl get pod after -n shop -o ${DNS_COLUMNS}`);
    await user.succeed("kubectl get pod after -n shop -o jsonpath='{.spec.dnsConfig}'");
    user.note("the pod that was there before is left alone");
    await user.succeed(`kubectl get pods -n shop -o ${NAMED_COLUMNS}`);
    user.note("without the label new pods have cluster DNS again");
    await user.succeed("kubectl label namespace shop sluice.dev/egress-");
    await sluice.untilOptedOut("shop");
    await user.succeed("kubectl run later --image=nginx -n shop");
    await user.succeed(`kubectl get pod later -n shop -o ${DNS_COLUMNS}`);
    expect(await nameserversOf("shop", "after")).toEqual([NAMESERVER]);
    expect(await nameserversOf("shop", "before")).toBeUndefined();
    expect(await nameserversOf("shop", "later")).toBeUndefined();
    await user.matchesGolden();
  });

  test("that names nameservers of its own loses them, with a warning", async () => {
    await namespace("own-dns", "enabled");
    const user = startTranscript("injection/own-nameservers", cluster);
    await user.succeed(`kubectl apply -n own-dns -f - <<'EOF'
apiVersion: v1
kind: Pod
metadata:
  name: own-dns
spec:
  containers: [{ name: app, image: nginx }]
  dnsConfig:
    nameservers: [8.8.8.8]
    searches: [corp.example]
    options: [{ name: ndots, value: "2" }]
EOF`);
    await user.succeed("kubectl get pod own-dns -n own-dns -o jsonpath='{.spec.dnsPolicy} {.spec.dnsConfig}'");
    expect(await nameserversOf("own-dns", "own-dns")).toEqual([NAMESERVER]);
    await user.matchesGolden();
  });

  test("is left alone when it has opted out", async () => {
    await namespace("opt-out", "enabled");
    const user = startTranscript("injection/opt-out", cluster);
    await user.succeed("kubectl run quiet --image=nginx -n opt-out --labels=sluice.dev/inject=false");
    await user.succeed("kubectl run routed --image=nginx -n opt-out");
    await user.succeed(`kubectl get pods -n opt-out -o ${NAMED_COLUMNS}`);
    expect(await nameserversOf("opt-out", "quiet")).toBeUndefined();
    expect(await nameserversOf("opt-out", "routed")).toEqual([NAMESERVER]);
    await user.matchesGolden();
  });

  test("shows in a server dry run what it would get, and does not exist afterwards", async () => {
    await namespace("dry-run", "enabled");
    const user = startTranscript("injection/dry-run", cluster);
    const command = "kubectl run dry --image=nginx -n dry-run --dry-run=server";
    const seen = await user.succeed(`${command} -o jsonpath='{.spec.dnsPolicy} {.spec.dnsConfig.nameservers}'`);
    await user.refused("kubectl get pod dry -n dry-run");
    expect(seen).toBe(`None ["${NAMESERVER}"]`);
    await user.matchesGolden();
  });

  test("can be labelled and given an ephemeral container while it runs", async () => {
    await namespace("running", "enabled");
    const user = startTranscript("injection/running-pod", cluster);
    await user.succeed("kubectl run web --image=nginx -n running");
    await user.succeed("kubectl label pod web -n running tier=front");
    await user.succeed("kubectl annotate pod web -n running team=shop");
    await user.succeed("kubectl debug web -n running --image=busybox --container=probe -- sleep 60");
    const columns = "custom-columns=LABELS:.metadata.labels,EPHEMERAL:.spec.ephemeralContainers[*].name";
    await user.succeed(`kubectl get pod web -n running -o ${columns}`);
    await user.succeed(`kubectl get pod web -n running -o ${DNS_COLUMNS}`);
    await user.succeed("kubectl delete pod web -n running --now");
    await user.matchesGolden();
  });
});

describe("the other modes", () => {
  test("audit says what it would do, and does nothing", async () => {
    await namespace("dark-launch", "audit");
    const user = startTranscript("injection/audit", cluster);
    const said = await user.succeed("kubectl run watched --image=nginx -n dark-launch");
    await user.succeed(`kubectl get pod watched -n dark-launch -o ${DNS_COLUMNS}`);
    expect(said).toMatch(/^Warning: /);
    expect(await nameserversOf("dark-launch", "watched")).toBeUndefined();
    await user.matchesGolden();
  });

  test("strict refuses a pod that cannot be routed, where enabled warns", async () => {
    await namespace("lenient", "enabled");
    await namespace("strict", "strict");
    const user = startTranscript("injection/strict", cluster);
    const onHost = `--image=nginx --overrides='{"spec":{"hostNetwork":true}}'`;
    expect(await user.succeed(`kubectl run on-host -n lenient ${onHost}`)).toMatch(/^Warning: /);
    expect(await user.refused(`kubectl run on-host -n strict ${onHost}`)).toMatch(
      /\(Forbidden\).*ClusterFirstWithHostNet/s,
    );
    await user.succeed("kubectl run routed --image=nginx -n strict");
    await user.succeed(`kubectl get pod routed -n strict -o ${DNS_COLUMNS}`);
    await user.matchesGolden();
  });
});

describe("pods of workloads", () => {
  test.each([
    ["workloads-labelled", "enabled", [NAMESERVER]],
    ["workloads-plain", undefined, undefined],
  ] as const)("in %s (label: %s) ask %j", async (name, egress, nameservers) => {
    await namespace(name, egress);
    const user = startTranscript(`injection/${name}`, cluster);
    await user.succeed(`kubectl create deployment web --image=nginx --replicas=2 -n ${name}`);
    await user.succeed(`kubectl apply -n ${name} -f - <<'EOF'
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec:
  serviceName: db
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db } }
    spec: { containers: [{ name: db, image: postgres }] }
EOF`);
    await user.succeed(`kubectl create job once --image=busybox -n ${name} -- true`);
    await user.succeed(`kubectl create cronjob tick --image=busybox --schedule='0 0 1 1 *' -n ${name} -- true`);
    await user.succeed(`kubectl create job tick-now --from=cronjob/tick -n ${name}`);
    await untilPods(name, "app=web", 2);
    for (const selector of ["app=db", "job-name=once", "job-name=tick-now"]) await untilPods(name, selector, 1);
    for (const selector of ["app=web", "app=db", "job-name=once", "job-name=tick-now"])
      await user.succeed(`kubectl get pods -n ${name} -l ${selector} -o ${DNS_COLUMNS}`);
    type Pods = { items: { spec: { dnsConfig?: { nameservers?: string[] } } }[] };
    const { items } = await kubectl.get<Pods>(["pods", "-n", name]);
    expect(items.map(({ spec }) => spec.dnsConfig?.nameservers)).toEqual(Array(5).fill(nameservers));
    await user.matchesGolden();
  });

  test("are routed after a restart of a Deployment that was there before the label", async () => {
    await namespace("restarted");
    const user = startTranscript("injection/restart", cluster);
    await user.succeed("kubectl create deployment web --image=nginx -n restarted");
    await untilPods("restarted", "app=web", 1);
    await user.succeed("kubectl label namespace restarted sluice.dev/egress=enabled");
    await sluice.untilOptedIn("restarted");
    await user.succeed("kubectl rollout restart deployment web -n restarted");
    await untilPods("restarted", "app=web", 2);
    await user.succeed(`kubectl get pods -n restarted --sort-by=.spec.dnsPolicy -o ${DNS_COLUMNS}`);
    await user.matchesGolden();
  });
});
