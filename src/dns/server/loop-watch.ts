/** Finds out whether questions that we send on come back to us. */
export type LoopWatch = {
  start(): void;
  /** Our own probe has arrived as a question. */
  seen(): void;
  /** The probe of a round is over, whatever it brought. */
  probed(round: number): void;
  stop(): void;
};

export type LoopWatchInput = {
  /** Sends the probe. */
  readonly probe: (round: number) => void;
  readonly report: (looping: boolean) => void;
};

/** CoreDNS probes once, at start; a loop may also appear later, when cluster DNS is pointed at us. */
const PROBE_EVERY_MILLISECONDS = 60_000;

/** Probes at start and every minute; a round without a sighting ends the alarm. */
export function startLoopWatch(input: LoopWatchInput): LoopWatch {
  let round = 0;
  let seenInRound = -1;
  let timer: NodeJS.Timeout | undefined;
  const probe = (): void => input.probe(++round);
  return {
    start() {
      probe();
      timer = setInterval(probe, PROBE_EVERY_MILLISECONDS);
      timer.unref();
    },
    seen() {
      seenInRound = round;
      input.report(true);
    },
    probed(ended) {
      if (ended === round && seenInRound !== round) input.report(false);
    },
    stop: () => clearInterval(timer),
  };
}
