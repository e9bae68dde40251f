import { defineConfig } from "vitest/config";

/**
 * `unit` needs nothing but Node; `cluster` runs against a real kube-apiserver that its global set-up builds and starts;
 * `peers` compares with a real CoreDNS and asks through the stub resolvers of real pods.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          globalSetup: "test/support/node-version.ts",
          include: ["test/**/*.test.ts"],
          exclude: ["test/cluster/**", "test/peers/**"],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: "cluster",
          globalSetup: ["test/support/node-version.ts", "test/cluster/control-plane/setup.ts"],
          include: ["test/cluster/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "peers",
          globalSetup: ["test/support/node-version.ts", "test/peers/setup.ts"],
          include: ["test/peers/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
