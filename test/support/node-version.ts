/** Turns the obscure failure of a test run under an old Node into a clear one. */
export function setup(): void {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 24)
    throw new Error(`the tests need Node 24.12 or later, this is ${process.version}: run them through npm`);
}
