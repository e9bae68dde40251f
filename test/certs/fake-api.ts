import type {
  CaBundles,
  CertificateApi,
  LeaseUpdate,
  StoredLease,
  StoredSecret,
  WebhookRef,
} from "../../src/certs/cluster-api.ts";

/** An API server's memory: the objects that certificates touch, with resourceVersions, and what was written. */
export type FakeApi = CertificateApi & {
  readonly secrets: Map<string, StoredSecret>;
  readonly webhooks: Map<string, CaBundles>;
  readonly leases: Map<string, StoredLease>;
  readonly writes: string[];
  /** Runs before every call; throws to refuse it. */
  before: (call: string) => void;
};

export function fakeApi(): FakeApi {
  let version = 0;
  const next = (): string => String(++version);
  const secrets = new Map<string, StoredSecret>();
  const webhooks = new Map<string, CaBundles>();
  const leases = new Map<string, StoredLease>();
  const writes: string[] = [];
  const enter = async (call: string, written?: string): Promise<void> => {
    await Promise.resolve();
    api.before(call);
    if (written !== undefined) writes.push(written);
  };
  const stored = ({ acquired: _acquired, ...lease }: LeaseUpdate): StoredLease => ({
    ...lease,
    resourceVersion: next(),
  });
  const api: FakeApi = {
    ...{ secrets, webhooks, leases, writes },
    before: () => {},
    async readSecret(name) {
      await enter(`read ${name}`);
      return secrets.get(name);
    },
    async createSecret(name, _type, data) {
      await enter(`create ${name}`, `create ${name}`);
      if (secrets.has(name)) return "conflict";
      secrets.set(name, { resourceVersion: next(), data });
      return "written";
    },
    async patchSecret(name, data, resourceVersion) {
      await enter(`patch ${name}`, `patch ${name}`);
      const before = secrets.get(name);
      if (before?.resourceVersion !== resourceVersion) return "conflict";
      const merged = Object.entries({ ...before.data, ...data }).filter(
        (entry): entry is [string, string] => entry[1] !== null,
      );
      secrets.set(name, { resourceVersion: next(), data: Object.fromEntries(merged) });
      return "written";
    },
    async readCaBundles(ref: WebhookRef) {
      await enter(`read ${ref.kind}`);
      return webhooks.get(ref.kind);
    },
    async applyCaBundle(ref, names, caBundle) {
      await enter(`apply ${ref.kind}`, `apply ${ref.kind}`);
      const bundles = { ...webhooks.get(ref.kind), ...Object.fromEntries(names.map((name) => [name, caBundle])) };
      webhooks.set(ref.kind, bundles);
      return bundles;
    },
    async readLease(name) {
      await enter("read lease");
      return leases.get(name);
    },
    async createLease(name, lease) {
      await enter("create lease", "create lease");
      if (leases.has(name)) return "conflict";
      leases.set(name, stored(lease));
      return "written";
    },
    async replaceLease(name, lease, resourceVersion) {
      await enter("replace lease", "replace lease");
      if (leases.get(name)?.resourceVersion !== resourceVersion) return "conflict";
      leases.set(name, stored(lease));
      return "written";
    },
    close: async () => {},
  };
  return api;
}
