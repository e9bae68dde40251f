/** What a command's exit code says. */
export const EXIT = {
  /** Nothing to complain of. */
  clean: 0,
  /** Findings of level error, more warnings than allowed, or a pod that would be denied. */
  findings: 1,
  /** A wrong flag, setting or input: the command did not do its work. */
  usage: 2,
  /** A defect of Sluice itself. */
  bug: 3,
} as const;
