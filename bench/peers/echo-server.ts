/** The least that a Node program can do for a datagram: send it back, marked as a response. `echo-server.ts PORT`. */
import { createSocket } from "node:dgram";

const SOCKET_BUFFER_OCTETS = 4 * 1024 * 1024;
const RESPONSE_BIT = 0x80;

const socket = createSocket({
  type: "udp4",
  recvBufferSize: SOCKET_BUFFER_OCTETS,
  sendBufferSize: SOCKET_BUFFER_OCTETS,
  // Addresses are literal: nothing has to be looked up, and an answer at once saves a turn of the event loop.
  lookup: (host, _options, callback) => callback(null, host, 4),
});
socket.on("message", (message, client) => {
  message[2] = (message[2] ?? 0) | RESPONSE_BIT;
  socket.send(message, 0, message.length, client.port, client.address);
});
socket.bind(Number(process.argv[2]), "127.0.0.1");
