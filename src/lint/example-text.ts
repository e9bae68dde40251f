/** The YAML of a rule's example without the indentation that it has in the source file. */
export function exampleText(yaml: string): string {
  const lines = yaml.replace(/^\n/, "").trimEnd().split("\n");
  const widths = lines.filter((line) => line.trim() !== "").map((line) => line.length - line.trimStart().length);
  const width = Math.min(...widths);
  return `${lines.map((line) => line.slice(width)).join("\n")}\n`;
}
