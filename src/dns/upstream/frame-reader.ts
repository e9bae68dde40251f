/**
 * Takes the octets of a TCP connection as they come, and calls `onMessage` with each message: two octets of length stand
 * before each (RFC 1035 section 4.2.2). A message is the receiver's own; one that is cut off is never given.
 */
export function createFrameReader(onMessage: (message: Buffer) => void): (chunk: Buffer) => void {
  let highOctet = -1;
  let message: Buffer | undefined;
  let filled = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (message === undefined) {
        const octet = chunk[at++] as number;
        if (highOctet === -1) {
          highOctet = octet;
          continue;
        }
        message = Buffer.allocUnsafe((highOctet << 8) | octet);
        filled = 0;
        highOctet = -1;
      }
      const copied = chunk.copy(message, filled, at);
      at += copied;
      filled += copied;
      if (filled < message.length) continue;
      const whole = message;
      message = undefined;
      onMessage(whole);
    }
  };
}
