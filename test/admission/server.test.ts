import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildServer } from "../../src/admission/server.ts";
import { SluiceError } from "../../src/model/errors.ts";
import { createLog } from "../../src/observe/log.ts";
import { makeCa, makeLeaf } from "./certificates.ts";
import { JSON_TYPE, keepAliveAgent, type Reply, send } from "./client.ts";
import { reviewOf } from "./reviews.ts";
import { factsFor, type Started, start } from "./started.ts";

const BODY = JSON.stringify(reviewOf());

describe("the transport", () => {
  let started: Started;
  let agent: ReturnType<typeof keepAliveAgent>;

  beforeAll(async () => {
    started = await start();
    agent = keepAliveAgent(started.ca);
  });
  afterAll(async () => {
    agent.destroy();
    await started.admission.close();
  });

  const post = (body: string | Buffer | undefined, headers: object = JSON_TYPE, path = "/mutate"): Promise<Reply> =>
    send({ port: started.admission.port, path, agent, headers: { ...headers } }, body);

  const handshake = (options: object) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port: started.admission.port, ca: started.ca, ...options }, () => {
        resolve(`${socket.getProtocol()} ${socket.alpnProtocol}`);
        socket.destroy();
      });
      socket.on("error", reject);
    });

  test("T1: agrees on HTTP/1.1 by ALPN", async () => {
    expect(await handshake({ ALPNProtocols: ["h2", "http/1.1"] })).toBe("TLSv1.3 http/1.1");
  });

  test("T1: refuses a client that speaks HTTP/2 only", async () => {
    await expect(handshake({ ALPNProtocols: ["h2"] })).rejects.toThrow(/alpn|alert/i);
  });

  test("T2: refuses TLS 1.2", async () => {
    await expect(handshake({ maxVersion: "TLSv1.2" })).rejects.toThrow(/protocol version|alert/i);
  });

  test("T2: speaks TLS 1.2 where that is chosen", async () => {
    const ca = await makeCa("old");
    const certificate = await makeLeaf(ca, "webhook", "server");
    const old = await start({ tls: { certificate, minVersion: "TLSv1.2" } });
    const options = { port: old.admission.port, ca: ca.cert, maxVersion: "TLSv1.2" };
    expect(await handshake(options)).toMatch(/^TLSv1.2/);
    await old.admission.close();
  });

  test.each(["sluice-webhook.sluice-system.svc", "somebody-else.example"])(
    "T3: takes the server name %s",
    async (name) => {
      const options = { port: started.admission.port, ca: started.ca, path: "/mutate", headers: JSON_TYPE };
      const reply = await send(
        { ...options, servername: name, checkServerIdentity: () => undefined, agent: false },
        BODY,
      );
      expect(reply.status).toBe(200);
    },
  );

  test("T4: keeps the connection between reviews", async () => {
    const ports = new Set<number | undefined>();
    agent.on("free", (socket) => ports.add(socket.localPort));
    for (let times = 0; times < 3; times++) expect((await post(BODY)).headers["connection"]).toBe("keep-alive");
    expect(ports.size).toBe(1);
  });

  test("T4: ends a connection after a thousand reviews without losing one", async () => {
    const { admission, ca } = await start();
    const own = keepAliveAgent(ca);
    const options = { port: admission.port, path: "/mutate", agent: own, headers: JSON_TYPE };
    const closes: number[] = [];
    for (let times = 1; times <= 1002; times++) {
      const { status, headers } = await send(options, BODY);
      expect(status).toBe(200);
      if (headers["connection"] === "close") closes.push(times);
    }
    expect(closes).toEqual([1000]);
    own.destroy();
    await admission.close();
  });

  test("T4: keeps idle connections longer than Go's client does", () => {
    const server = buildServer({
      tls: { certificate: { cert: "", key: "" } },
      facts: factsFor("enabled"),
      judge: () => ({ denied: [], warned: [], exempted: [], unknownKind: false }),
      metrics: started.metrics.admission,
      log: createLog("silent"),
      draining: () => false,
    });
    const { keepAliveTimeout, headersTimeout, requestTimeout } = server.server;
    expect({ keepAliveTimeout, headersTimeout, requestTimeout }).toEqual({
      keepAliveTimeout: 120_000,
      headersTimeout: 125_000,
      requestTimeout: 35_000,
    });
  });

  test("answers 429 to more bodies at once than memory is set aside for, and recovers", async () => {
    const sockets = Array.from({ length: 8 }, () =>
      connect({ host: "127.0.0.1", port: started.admission.port, ca: started.ca }),
    );
    for (const socket of sockets) {
      socket.on("error", () => undefined);
      socket.write(
        "POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 8388608\r\n\r\n{",
      );
    }
    await expect.poll(() => started.metrics.print()).toContain("sluice_admission_in_flight 8");
    const { status, headers, json } = await post(BODY);
    expect([status, headers["retry-after"], json.reason]).toEqual([429, "1", "TooManyRequests"]);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => started.metrics.print()).toContain("sluice_admission_in_flight 0");
    expect((await post(BODY)).status).toBe(200);
  });

  test("T5: takes a review of two objects of 3 MiB", async () => {
    const big = { metadata: { annotations: { a: "x".repeat(3 << 20) } }, spec: {} };
    const { status, json } = await post(JSON.stringify(reviewOf({ object: big, oldObject: big })));
    expect([status, json.response.allowed]).toEqual([200, true]);
  });

  test("T5: answers 413 to more than 8 MiB", async () => {
    const { status, json } = await post(Buffer.alloc(8 * 1024 * 1024 + 1, " "));
    expect([status, json.kind, json.reason]).toEqual([413, "Status", "RequestEntityTooLarge"]);
  });

  test("T6: drops __proto__ and constructor keys, says so and carries on", async () => {
    const labels = '"labels":{"__proto__":{"polluted":"yes"},"constr\\u0075ctor":"x","app":"web"}';
    const { status, json } = await post(BODY.replace('"metadata":{', `"metadata":{${labels},`));
    expect([status, json.response.patchType]).toEqual([200, "JSONPatch"]);
    expect(json.response.warnings).toEqual(["dropped-keys: 2 keys named __proto__ or constructor were not looked at"]);
    expect(await started.metrics.print()).toContain("sluice_admission_dropped_keys_total 2");
    expect("polluted" in {}).toBe(false);
  });

  test.each(["text/plain", "application/yaml", "application/x-www-form-urlencoded"])(
    "T8: answers 415 to %s",
    async (type) => {
      const { status, json } = await post(BODY, { "content-type": type });
      expect([status, json.kind]).toEqual([415, "Status"]);
    },
  );

  test("T8: answers 415 to a body without type", async () => {
    expect((await post(BODY, { "content-length": String(BODY.length) })).status).toBe(415);
  });

  test("T8: takes a type with parameters", async () => {
    expect((await post(BODY, { "content-type": "application/json; charset=utf-8" })).status).toBe(200);
  });

  test.each([undefined, ""])("T8: answers 400 to an empty body", async (body) => {
    const { status, json } = await post(body);
    expect([status, json.kind]).toEqual([400, "Status"]);
  });

  test.each(["GET", "PUT", "DELETE"])("T8: answers 405 to %s", async (method) => {
    const reply = await send({ port: started.admission.port, path: "/mutate", agent, method });
    expect([reply.status, reply.headers["allow"]]).toEqual([405, "POST"]);
  });

  test.each([
    ["no JSON", "{"],
    ["another kind", JSON.stringify({ apiVersion: "v1", kind: "Pod" })],
    ["version v1beta1", BODY.replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1")],
    ["no request", JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" })],
    ["a null request", JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: null })],
    ["no uid", JSON.stringify(reviewOf({ uid: undefined }))],
    ["a numeric uid", JSON.stringify(reviewOf({ uid: 7 }))],
    ["nesting without end", `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
  ])("answers 400 with a reason to %s", async (_, body) => {
    const { status, json } = await post(body);
    expect([status, json.kind]).toEqual([400, "Status"]);
    expect(json.message).toMatch(/^sluice: .{10,}/);
  });

  test("answers 404 elsewhere", async () => {
    expect((await post(undefined, {}, "/")).status).toBe(404);
  });

  test("T12: compresses nothing and sets no cookie", async () => {
    const { headers } = await post(BODY, { ...JSON_TYPE, "accept-encoding": "gzip" });
    for (const name of ["content-encoding", "set-cookie", "location"]) expect(headers).not.toHaveProperty(name);
  });

  test("counts reviews by decision, reason, operation and dry run", async () => {
    await post(JSON.stringify(reviewOf({ dryRun: true })));
    const text = await started.metrics.print();
    expect(text).toMatch(
      /sluice_admission_requests_total\{webhook="mutate",operation="CREATE",decision="injected",reason="cluster-first",dry_run="true"\} 1/,
    );
    expect(text).toMatch(/sluice_admission_duration_seconds_count\{webhook="mutate"\} \d+/);
    expect(text).toMatch(/sluice_admission_in_flight 0/);
  });
});

describe("certificates", () => {
  test("a reload changes the certificate of new connections only", async () => {
    const started = await start();
    const [before, ca] = [keepAliveAgent(started.ca), await makeCa("next")];
    const options = { port: started.admission.port, path: "/mutate", headers: JSON_TYPE };
    expect((await send({ ...options, agent: before }, BODY)).status).toBe(200);
    started.admission.reload(await makeLeaf(ca, "webhook", "server"));
    expect((await send({ ...options, agent: before }, BODY)).status).toBe(200);
    await expect(send({ ...options, agent: false, ca: started.ca }, BODY)).rejects.toThrow(/certificate|verify/i);
    expect((await send({ ...options, agent: false, ca: ca.cert }, BODY)).status).toBe(200);
    before.destroy();
    await started.admission.close();
  });

  test("a pair that does not fit is refused and the old one stays", async () => {
    const started = await start();
    const ca = await makeCa("other");
    const [a, b] = [await makeLeaf(ca, "a", "server"), await makeLeaf(ca, "b", "server")];
    expect(() => started.admission.reload({ cert: a.cert, key: b.key })).toThrow(SluiceError);
    expect(() => started.admission.reload({ cert: "no PEM", key: "" })).toThrow(/cannot use its certificate/);
    const options = { port: started.admission.port, path: "/mutate", headers: JSON_TYPE, agent: false, ca: started.ca };
    expect((await send(options as never, BODY)).status).toBe(200);
    await started.admission.close();
  });

  test("T11: with a client CA only its named clients may call", async () => {
    const [serverCa, clientCa, strangerCa] = [await makeCa("server"), await makeCa("client"), await makeCa("stranger")];
    const certificate = await makeLeaf(serverCa, "webhook", "server");
    const started = await start({ tls: { certificate, clientCa: clientCa.cert, clientNames: ["kube-apiserver"] } });
    const call = (client: object) =>
      send(
        {
          port: started.admission.port,
          path: "/mutate",
          headers: JSON_TYPE,
          agent: false,
          ca: serverCa.cert,
          ...client,
        } as never,
        BODY,
      );
    const right = await makeLeaf(clientCa, "kube-apiserver", "client");
    expect((await call(right)).status).toBe(200);
    expect((await call(await makeLeaf(clientCa, "somebody", "client"))).status).toBe(403);
    expect((await call(await makeLeaf(strangerCa, "kube-apiserver", "client"))).status).toBe(403);
    expect((await call({})).status).toBe(403);
    started.admission.reload(await makeLeaf(serverCa, "webhook", "server"));
    expect((await call({})).status).toBe(403);
    expect((await call(right)).status).toBe(200);
    await started.admission.close();
  });

  test("a port in use is said with its number", async () => {
    const first = await start();
    const { port } = first.admission;
    const second = start({ listen: { host: "127.0.0.1", port } });
    await expect(second).rejects.toMatchObject({
      code: "SLUICE_LISTEN_FAILED",
      message: expect.stringContaining(`:${port}`),
    });
    await first.admission.close();
  });
});

describe("stopping", () => {
  test("T7: answers while draining, and ends each connection", async () => {
    const started = await start();
    const agent = keepAliveAgent(started.ca);
    const options = { port: started.admission.port, path: "/mutate", agent, headers: JSON_TYPE };
    expect((await send(options, BODY)).headers["connection"]).toBe("keep-alive");
    started.admission.drain();
    for (let times = 0; times < 3; times++) {
      const { status, headers } = await send(options, BODY);
      expect([status, headers["connection"]]).toEqual([200, "close"]);
    }
    agent.destroy();
    await started.admission.close();
  });

  test("close answers the review under way and does not wait for idle connections", async () => {
    const started = await start();
    const agents = [keepAliveAgent(started.ca), keepAliveAgent(started.ca)];
    const options = { port: started.admission.port, path: "/mutate", headers: JSON_TYPE };
    await Promise.all(agents.map((agent) => send({ ...options, agent }, BODY)));
    const half = BODY.length >> 1;
    const underWay = connect({ host: "127.0.0.1", port: started.admission.port, ca: started.ca });
    const head = `POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n`;
    underWay.write(head + BODY.slice(0, half));
    const answer = new Promise<string>((resolve) => {
      let text = "";
      underWay.on("data", (chunk) => {
        text += chunk;
      });
      underWay.on("close", () => resolve(text));
    });
    await expect.poll(() => started.metrics.print()).toContain("sluice_admission_in_flight 1");
    const begun = performance.now();
    const closed = started.admission.close();
    underWay.write(BODY.slice(half));
    expect(await answer).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*connection: close/i);
    await closed;
    expect(performance.now() - begun).toBeLessThan(5000);
    for (const agent of agents) agent.destroy();
  });
});
