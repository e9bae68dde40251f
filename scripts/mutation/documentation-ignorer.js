import { declareValuePlugin, PluginKind } from "@stryker-mutator/api/plugin";

/** Members of a rule that are documentation or examples: to change them changes no verdict. */
const DOCUMENTATION = new Set(["title", "why", "fix", "sources", "since", "bad", "good"]);

const isDocumentation = (path) =>
  path.isObjectProperty() &&
  path.node.key.type === "Identifier" &&
  DOCUMENTATION.has(path.node.key.name) &&
  path.parentPath?.parentPath?.isCallExpression() === true &&
  path.parentPath.parentPath.node.callee.name === "defineRule";

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, "documentation", {
    shouldIgnore: (path) => (isDocumentation(path) ? "the documentation of a rule decides nothing" : undefined),
  }),
];
