/** Why one attempt at an upstream came to nothing. */
export type NetworkFailure = {
  /** In few words, for clients: `connection refused`. */
  readonly reason: string;
  /** In CoreDNS's words, for the log: `read udp 10.0.0.1:40000->10.0.0.2:53: read: connection refused`. */
  readonly cause: string;
  /** A connection that had been open was closed from the other side: says nothing about the upstream. */
  readonly stale?: boolean;
};

/** As Go's syscall package words the errors of sockets. */
const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by peer",
  EHOSTUNREACH: "no route to host",
  EMFILE: "too many open files",
  EMSGSIZE: "message too long",
  ENETUNREACH: "network is unreachable",
  EPERM: "operation not permitted",
  EPIPE: "broken pipe",
  ETIMEDOUT: "connection timed out",
};

/** What went wrong with a socket, and the call of the system that said so, if one did. */
function readSocketError(error: Error): { readonly reason: string; readonly call: string | undefined } {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : WORDS[code];
  if (known === undefined) return { reason: error.message, call: undefined };
  return { reason: known, call: syscall === "recvmsg" ? "read" : syscall };
}

/** Fits behind a route such as `read udp 10.0.0.1:40000->10.0.0.2:53`. */
export function socketFailure(route: string, error: Error): NetworkFailure {
  const { reason, call } = readSocketError(error);
  return { reason, cause: `${route}: ${call === undefined ? "" : `${call}: `}${reason}` };
}

/** Nobody answered in time. */
export const timeoutFailure = (route: string): NetworkFailure => ({
  reason: "no answer in time",
  cause: `${route}: i/o timeout`,
});
