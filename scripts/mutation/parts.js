/** The parts whose tests are measured: the files that are changed, and the tests that should notice. */
export const parts = {
  cel: {
    mutate: ["src/cel/*.ts"],
    include: ["test/cel/**/*.test.ts"],
    exclude: [],
  },
  rules: {
    mutate: ["src/lint/rules/*.ts", "!src/lint/rules/index.ts"],
    include: ["test/lint/**/*.test.ts"],
    exclude: [
      "test/lint/*arbitrary*.test.ts",
      "test/lint/*corpus*.test.ts",
      "test/lint/bad-input.test.ts",
      "test/lint/formats/**",
    ],
  },
};
