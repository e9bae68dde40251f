import type { Client } from "./client.ts";

/**
 * Sends what one message is answered with, or notes that it gets nothing. Called exactly once for each message that was
 * handed to an Answerer, at once or later. The octets are the caller's again when it returns.
 */
export type Respond = (client: Client, bytes: Buffer | undefined) => void;

/** Takes one message. `message` is not written to, and stays valid until it has been responded to. Never throws. */
export type Answerer = (message: Buffer, client: Client, respond: Respond) => void;
