/** An address that could not be had: which listener of the plan, and the system's error. */
export type ListenFailure = Error & { readonly code: string; readonly listener: number };

/** Says which listener of the plan the system's error is about. */
export function listenFailure(listener: number, cause: unknown): ListenFailure {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  return Object.assign(new Error(message, { cause }), { code, listener });
}

export const isListenFailure = (error: unknown): error is ListenFailure =>
  error instanceof Error && "listener" in error;
