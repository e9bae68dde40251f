/**
 * What is used of `node:http`. Importing the module by name makes Node read each of its exports, `WebSocket` among them,
 * which loads Node's own copy of undici, HTTP/2 and TLS: 15 MB that a process which serves a few pages has no use for.
 */
export const { createServer, get } = process.getBuiltinModule("node:http");
