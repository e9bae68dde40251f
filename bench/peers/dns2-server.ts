/** A server as one writes it with dns2: every A question gets the gateway's address. `dns2-server.ts PORT`. */
import dns2 from "dns2";

const { createServer, Packet } = dns2;

const GATEWAY_ADDRESS = "10.96.0.10";

const server = createServer({
  udp: true,
  handle: (request, send) => {
    const response = Packet.createResponseFromRequest(request);
    const [question] = request.questions;
    if (question?.type === Packet.TYPE.A)
      response.answers.push({
        name: question.name,
        type: Packet.TYPE.A,
        class: Packet.CLASS.IN,
        ttl: 5,
        address: GATEWAY_ADDRESS,
      } as dns2.Packet.Resource);
    send(response);
  },
});
await server.listen({ udp: { port: Number(process.argv[2]), address: "127.0.0.1" } });
