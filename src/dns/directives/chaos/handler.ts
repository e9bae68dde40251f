import { hostname } from "node:os";
import { VERSION } from "../../../model/version.ts";
import { type Answer, failed, messageAnswer, refusal } from "../../pipeline/answer.ts";
import { composeMessage, type NewRecord } from "../../pipeline/compose.ts";
import { askedName, type Exchange } from "../../pipeline/exchange.ts";
import type { CreateHandler } from "../../pipeline/serve.ts";
import type { RandomInteger } from "../../upstream/random.ts";
import { EDE, FLAG, RCODE, TYPE } from "../../wire/codes.ts";
import type { NameKey } from "../../wire/name.ts";
import { settingKey } from "../zone-lookup.ts";
import type { ChaosSettings } from "./setup.ts";

/** CH (RFC 1035 section 3.2.4), in use for questions about the server itself (RFC 4892). */
const CLASS_CH = 3;

/** A character string of a TXT record. */
const MAX_TEXT = 255;

/** No network is asked about itself by another one: what is not known here is nowhere else. */
const UNKNOWN = refusal("chaos", RCODE.REFUSED);

type Texts = () => readonly string[];

const textData = (text: string): Buffer => {
  const octets = Buffer.from(text).subarray(0, MAX_TEXT);
  return Buffer.concat([Uint8Array.of(octets.length), octets]);
};

/** In an order by chance, so that no author is always the first (CoreDNS). */
function shuffled(authors: readonly string[], random: RandomInteger): readonly string[] {
  const rest = [...authors];
  return authors.flatMap(() => rest.splice(random(rest.length), 1));
}

function answer(exchange: Exchange, texts: readonly string[]): Answer {
  const pieces = texts.map(
    (text): NewRecord => ({
      section: "answer",
      owner: askedName(exchange),
      type: TYPE.TXT,
      class: CLASS_CH,
      ttlSeconds: 0,
      data: textData(text),
    }),
  );
  const message = composeMessage(exchange, { rcode: RCODE.NOERROR, flags: FLAG.AA, pieces });
  if (message === undefined) return failed("chaos", EDE.OTHER, "the answer cannot be written");
  return messageAnswer("chaos", message, FLAG.AA);
}

/** Answers questions of class CH about the server; other names and types of that class are refused. */
export const createChaosHandler: CreateHandler<ChaosSettings> = ({ version, authors }, { random }) => {
  const versionText = [version ?? `Sluice-${VERSION}`];
  const hostText = [hostname()];
  const known = new Map<NameKey, Texts>([
    [settingKey("version.bind."), () => versionText],
    [settingKey("version.server."), () => versionText],
    [settingKey("hostname.bind."), () => hostText],
    [settingKey("id.server."), () => hostText],
    [settingKey("authors.bind."), () => shuffled(authors, random)],
  ]);
  return {
    classes: [CLASS_CH],
    wrap: (next) => (exchange) => {
      const { key, type, class: klass } = exchange.asked;
      if (klass !== CLASS_CH) return next(exchange);
      const texts = type === TYPE.TXT ? known.get(key) : undefined;
      return texts === undefined ? UNKNOWN : answer(exchange, texts());
    },
  };
};
