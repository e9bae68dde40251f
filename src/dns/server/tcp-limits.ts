/** What clients may do over TCP. Times are in milliseconds. */
export type TcpLimits = {
  readonly maxConnections: number;
  /** Questions of one connection under way at once; then reading pauses. */
  readonly maxOutstanding: number;
  /** Questions of one connection, at least 1; it ends when they are answered. -1 is no limit. */
  readonly maxQuestions: number;
  /** From the start of a connection until its first question has come whole. */
  readonly readMilliseconds: number;
  /** Until a client has taken what it is sent. */
  readonly writeMilliseconds: number;
  /** From the last whole question or answer to the next whole question. */
  readonly idleMilliseconds: number;
};

/**
 * RFC 7766 section 6.2.3 asks for an idle time of seconds, RFC 9210 section 4 for limits against exhaustion. The times
 * are those of CoreDNS (plugin/timeouts).
 */
export const DEFAULT_TCP_LIMITS: TcpLimits = {
  maxConnections: 1_000,
  maxOutstanding: 100,
  maxQuestions: -1,
  readMilliseconds: 3_000,
  writeMilliseconds: 5_000,
  idleMilliseconds: 10_000,
};
