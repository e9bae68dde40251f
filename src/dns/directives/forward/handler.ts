import { type Answer, failed, messageAnswer, type PreparedAnswer, refusal } from "../../pipeline/answer.ts";
import type { Exchange } from "../../pipeline/exchange.ts";
import type { CreateHandler, Handler, HandlerContext, Serve } from "../../pipeline/serve.ts";
import type { Outcome } from "../../upstream/attempts.ts";
import { createOrder } from "../../upstream/order.ts";
import { questionFor, questionRoom, type UpstreamQuestion, variantOf } from "../../upstream/question.ts";
import { stepsOf } from "../../upstream/schedule.ts";
import { createSharedQuestions, type NotSent, type SharedQuestions } from "../../upstream/sharing.ts";
import { createTimerWheel, type TimerWheel } from "../../upstream/timer-wheel.ts";
import type { Upstream } from "../../upstream/upstream.ts";
import { CLASS_IN, EDE, FLAG, RCODE } from "../../wire/codes.ts";
import { foldKey, isAtOrBelow, type NameKey, parseName } from "../../wire/name.ts";
import { openUpstreams } from "./open-upstreams.ts";
import { type ForwardSeries, forwardSeries, upstreamSeries } from "./series.ts";
import type { ForwardSettings } from "./setup.ts";

const NAME = "forward";
/** Questions under way in one worker without `max_concurrent`: about 2 KiB each. */
const MOST_CONCURRENT = 20_000;

const REFUSED = refusal(NAME, RCODE.REFUSED);
const TOO_MANY = refusal(NAME, RCODE.REFUSED, EDE.OTHER, "too many questions at once");
const DROPPED: Answer = { form: "dropped", by: NAME, rcode: RCODE.REFUSED };
const LOOPING = failed(NAME, EDE.OTHER, "forwarding loop: the upstream sends our questions back to us");
const NO_HEALTHY = failed(NAME, EDE.NO_REACHABLE_AUTHORITY, "no upstream is healthy", "no healthy proxies");

/** One `forward` line at work. */
type Forward = {
  readonly questions: SharedQuestions<Answer>;
  readonly series: ForwardSeries;
  readonly context: HandlerContext;
  readonly overload: PreparedAnswer;
  /** Whether clients that ask over TCP have their question asked over TCP; and whether all have. */
  readonly asClient: boolean;
  readonly forceTcp: boolean;
};

/** Rejects with a SluiceError for an upstream that cannot be looked up and a certificate that cannot be read. */
export const createForwardHandler: CreateHandler<ForwardSettings> = async (settings, context) => {
  const wheel = createTimerWheel();
  const upstreams = await openUpstreams({
    settings,
    random: context.random,
    wheel,
    observe: (to) => upstreamSeries(context.meter, to),
  });
  return handlerOf(startForward(settings, context, upstreams, wheel), settings, upstreams);
};

function startForward(
  settings: ForwardSettings,
  context: HandlerContext,
  upstreams: readonly Upstream[],
  wheel: TimerWheel,
): Forward {
  const series = forwardSeries(context.meter);
  const { maxConcurrent } = settings;
  const limit = `concurrent queries exceeded maximum ${maxConcurrent === 0 ? MOST_CONCURRENT : maxConcurrent}`;
  return {
    series,
    context,
    overload: { ...TOO_MANY, cause: limit },
    asClient: !settings.preferUdp,
    forceTcp: settings.forceTcp,
    questions: createSharedQuestions<Answer>({
      rules: {
        steps: stepsOf(context.schedule, settings.readTimeoutMs),
        maxFailures: settings.maxConnectAttempts,
        failover: new Set(settings.failover),
        wheel,
        onRetry: series.retry,
      },
      order: createOrder(upstreams, settings.policy, context.random),
      limit: context.runningLimit(maxConcurrent === 0 ? MOST_CONCURRENT : maxConcurrent),
      failFast: settings.failfastAllUnhealthy,
      onAllDown: () => series.allDown.add(),
      conclude,
    }),
  };
}

const conclude = (outcome: Outcome): Answer => {
  if (outcome.ok) return messageAnswer(NAME, outcome.message, outcome.message.flags & (FLAG.AA | FLAG.AD));
  const code = outcome.reason === "timeout" ? EDE.NO_REACHABLE_AUTHORITY : EDE.NETWORK_ERROR;
  return failed(NAME, code, outcome.text, outcome.cause);
};

function handlerOf(forward: Forward, settings: ForwardSettings, upstreams: readonly Upstream[]): Handler {
  const covers = zoneMatcher(settings);
  const handsOn = settings.next.length > 0 || settings.nextOnNodata;
  return {
    wrap: (next) => {
      const ask: Serve = (exchange) => (covers(exchange.asked.key) ? forwardOne(forward, exchange) : next(exchange));
      if (!handsOn) return ask;
      return (exchange) => {
        if (!covers(exchange.asked.key)) return next(exchange);
        const answer = forwardOne(forward, exchange);
        return answer instanceof Promise ? answer.then((own) => orNext(own, settings, exchange, next)) : answer;
      };
    },
    close() {
      for (const upstream of upstreams) upstream.close();
    },
  };
}

/** Names at or below FROM that `except` does not take out. */
function zoneMatcher({ from, except }: ForwardSettings): (key: NameKey) => boolean {
  const [within, without] = [from.map(toKey), except.map(toKey)];
  if (within.includes("") && without.length === 0) return () => true;
  return (key) => within.some((zone) => isAtOrBelow(key, zone)) && !without.some((zone) => isAtOrBelow(key, zone));
}

const toKey = (zone: string): NameKey => foldKey(parseName(zone) ?? "");

function forwardOne(forward: Forward, exchange: Exchange): Answer | Promise<Answer> {
  const { asked, query, client } = exchange;
  if (asked.class !== CLASS_IN) return REFUSED;
  // A question of our own has no rate; the loop probe among them must go out for a loop to be seen to end.
  if (client.address !== "") {
    const held = heldBack(forward, client.address);
    if (held !== undefined) return held;
  }
  const variant = variantOf(asked.type, query.flags, query.edns?.dnssecOk === true);
  const { questions } = forward;
  const sent =
    questions.join(asked.key, variant) ?? questions.start(toQuestion(exchange, variant), overTcp(forward, exchange));
  return typeof sent === "string" ? notSent(forward, sent) : sent;
}

/** What a client gets whose question is not to be forwarded; undefined when it is. */
function heldBack({ context, series }: Forward, address: string): Answer | undefined {
  if (context.looping()) return LOOPING;
  const rate = context.clientRate(address);
  if (rate === "pass") return undefined;
  series.rateLimited.add();
  return rate === "drop" ? DROPPED : TOO_MANY;
}

function notSent({ series, overload }: Forward, why: NotSent): Answer {
  if (why === "unhealthy") return NO_HEALTHY;
  series.overload.add();
  return overload;
}

/** Without `force_tcp` and `prefer_udp` a question travels as the client sent it. */
const overTcp = ({ forceTcp, asClient }: Forward, { client }: Exchange): boolean =>
  forceTcp || (asClient && client.protocol === "tcp" && client.address !== "");

function toQuestion({ asked, message, query }: Exchange, variant: number): UpstreamQuestion {
  if (asked.raw !== undefined) return questionFor(asked.raw, asked.key, variant);
  const nameEnd = query.questionEnd - 4;
  const question = questionRoom(nameEnd - 12, asked.key, variant);
  message.copy(question.message, 12, 12, nameEnd);
  return question;
}

/** The next `forward` line's answer where this one's asks for it and there is one; else this one's. */
function orNext(own: Answer, settings: ForwardSettings, exchange: Exchange, next: Serve): Answer | Promise<Answer> {
  if (own.form !== "message") return own;
  const noData =
    own.rcode === RCODE.NOERROR && !own.records.some((record) => record.section === "answer") && settings.nextOnNodata;
  if (!noData && !settings.next.includes(own.rcode)) return own;
  const other = next(exchange);
  const better = (answer: Answer): Answer => (answer.by === NAME ? answer : own);
  return other instanceof Promise ? other.then(better) : better(other);
}
