import type { Socket } from "node:net";
import { type Client, clientOf } from "./client.ts";
import { createInbox, empty, type Inbox, receive, takeMessage } from "./inbox.ts";
import type { Answerer, Respond } from "./respond.ts";
import type { TcpLimits } from "./tcp-limits.ts";

/** What the connections of one listener have in common; the limits may change at any time. */
export type Listening = { readonly answer: Answerer; limits: TcpLimits };

/** One client's connection. Times are of `performance.now()`. */
export type Connection = {
  readonly socket: Socket;
  readonly client: Client;
  readonly listening: Listening;
  readonly inbox: Inbox;
  readonly respond: Respond;
  questions: number;
  /** Questions that are not responded to yet. */
  outstanding: number;
  /** Questions are being handed to the answerer; answers that come at once leave together. */
  reading: boolean;
  /** No further question is taken: the client has said all, has asked enough, or we are shutting down. */
  ending: boolean;
  /** Of the start, and then of the last whole question or answer: an octet now and then does not keep a connection. */
  activeAt: number;
  /** Since when the client has not taken all that it was sent; Infinity when it has. */
  unsentSince: number;
  timer: NodeJS.Timeout | undefined;
  wakesAt: number;
};

/** Answers that a client has not taken: four of the longest. Whoever asks and does not read is cut off. */
const MAX_UNREAD_OCTETS = 256 * 1024;
/** Answers that leave together. */
const BATCH_OCTETS = 32 * 1024;

/** Serves one connection: questions are answered as answers come, not in their order (RFC 7766 section 6.2.1.1). */
export function openConnection(socket: Socket, listening: Listening): Connection {
  const { remoteAddress = "", remotePort = 0, localAddress = "" } = socket;
  const connection: Connection = {
    socket,
    client: clientOf(remoteAddress, remotePort, "tcp", localAddress),
    listening,
    inbox: createInbox(),
    respond: (_client, bytes) => takeAnswer(connection, bytes),
    questions: 0,
    outstanding: 0,
    reading: false,
    ending: false,
    activeAt: performance.now(),
    unsentSince: Number.POSITIVE_INFINITY,
    timer: undefined,
    wakesAt: Number.POSITIVE_INFINITY,
  };
  socket.on("data", (chunk: Buffer) => {
    if (connection.ending) return;
    receive(connection.inbox, chunk);
    readQuestions(connection);
  });
  socket.on("end", () => endConnection(connection));
  socket.on("error", () => socket.destroy());
  socket.on("close", () => clearTimeout(connection.timer));
  checkDeadlines(connection);
  return connection;
}

/** Takes no further question; the connection ends when its answers are out. */
export function endConnection(connection: Connection): void {
  connection.ending = true;
  endWhenAnswered(connection);
}

/** Cuts off a client that has let a time pass, or looks again when the next one may have passed. */
export function checkDeadlines(connection: Connection): void {
  const { socket, outstanding, questions, activeAt } = connection;
  const { readMilliseconds, writeMilliseconds, idleMilliseconds } = connection.listening.limits;
  if (socket.destroyed) return;
  const now = performance.now();
  if (socket.writableLength === 0) connection.unsentSince = Number.POSITIVE_INFINITY;
  const asks = questions === 0 ? activeAt + readMilliseconds : activeAt + idleMilliseconds;
  // An answer that takes its time is ours to wait for, not the client's fault.
  const deadline = Math.min(
    outstanding > 0 ? now + idleMilliseconds : asks,
    connection.unsentSince + writeMilliseconds,
  );
  connection.wakesAt = Number.POSITIVE_INFINITY;
  if (deadline <= now) socket.destroy();
  else wakeBy(connection, deadline, now);
}

/** One timer a connection: deadlines move with every message, the timer only when it rings or must ring earlier. */
function wakeBy(connection: Connection, at: number, now: number): void {
  if (at >= connection.wakesAt) return;
  clearTimeout(connection.timer);
  connection.wakesAt = at;
  connection.timer = setTimeout(() => checkDeadlines(connection), Math.ceil(at - now));
}

function readQuestions(connection: Connection): void {
  const { socket, inbox, client, listening, respond } = connection;
  const { maxOutstanding, maxQuestions, idleMilliseconds } = listening.limits;
  connection.reading = true;
  socket.cork();
  while (connection.outstanding < maxOutstanding && !socket.destroyed) {
    const message = takeMessage(inbox);
    if (message === undefined) break;
    if (message === "malformed") {
      socket.destroy();
      break;
    }
    connection.activeAt = performance.now();
    connection.outstanding++;
    if (++connection.questions >= maxQuestions && maxQuestions !== -1) {
      connection.ending = true;
      empty(inbox);
    }
    listening.answer(message, client, respond);
  }
  socket.uncork();
  connection.reading = false;
  // The time for the first question may end later.
  if (connection.questions > 0) wakeBy(connection, connection.activeAt + idleMilliseconds, performance.now());
  noteUnsent(connection);
  if (connection.outstanding >= maxOutstanding) socket.pause();
  endWhenAnswered(connection);
}

function takeAnswer(connection: Connection, bytes: Buffer | undefined): void {
  const { socket } = connection;
  connection.outstanding--;
  if (socket.destroyed) return;
  if (bytes !== undefined) send(connection, bytes);
  if (connection.reading) return;
  connection.activeAt = performance.now();
  noteUnsent(connection);
  if (socket.isPaused() && connection.outstanding < connection.listening.limits.maxOutstanding) {
    socket.resume();
    readQuestions(connection);
  } else endWhenAnswered(connection);
}

function send(connection: Connection, bytes: Buffer): void {
  const { socket } = connection;
  if (socket.writableLength === 0) connection.unsentSince = Number.POSITIVE_INFINITY;
  const framed = Buffer.allocUnsafe(2 + bytes.length);
  framed.writeUInt16BE(bytes.length, 0);
  framed.set(bytes, 2);
  socket.write(framed);
  if (connection.reading && socket.writableLength > BATCH_OCTETS) {
    socket.uncork();
    socket.cork();
  }
  if (socket.writableLength > MAX_UNREAD_OCTETS) socket.destroy();
}

function noteUnsent(connection: Connection): void {
  const { socket, listening } = connection;
  if (socket.writableLength === 0 || socket.destroyed) return;
  const now = performance.now();
  connection.unsentSince = Math.min(connection.unsentSince, now);
  wakeBy(connection, connection.unsentSince + listening.limits.writeMilliseconds, now);
}

function endWhenAnswered({ ending, outstanding, reading, socket }: Connection): void {
  if (ending && outstanding === 0 && !reading && !socket.destroyed) socket.end();
}
