import { addressAnswer, failure } from "../../decide.ts";
import { type EgressEntry, type EgressTable, namesOf, prepareAddresses } from "../../table.ts";
import { EDE, TYPE } from "../../wire/codes.ts";
import type { NameKey } from "../../wire/name.ts";
import { edeOption, type LocalAnswer } from "../../wire/reply.ts";
import { type Ask, isLoop, LOOP, lookUpAll } from "./look-up.ts";

/** How long the last good addresses are given on while they cannot be refreshed (RFC 8767 section 5.11: at most 30 s). */
const STALE_MILLISECONDS = 30_000;
/** What a client waits for a refresh before it gets the last good addresses (RFC 8767 section 5: 1.8 s). */
const REFRESH_PATIENCE_MILLISECONDS = 1_800;
/** A failed look-up is not repeated sooner (RFC 9520 section 3.2: at least 1 s). */
const FAILURE_PAUSE_MILLISECONDS = 1_000;
/** Addresses are used at least that long, also when their TTL is 0. */
const MIN_HOLD_MILLISECONDS = 1_000;

type Good = {
  readonly addresses: readonly string[];
  /** The names that led to them. */
  readonly via: readonly NameKey[];
  /** The table by which none of these is an egress hostname. */
  readonly table: EgressTable;
  readonly until: number;
  readonly halfway: number;
};

type Cell = {
  good?: Good;
  bad?: { readonly code: number; readonly text: string; readonly until: number };
  refresh?: Promise<void>;
};

/** Answers A and AAAA of egress names whose gateway has a host name as its address. */
export type Flattener = {
  /** The answer for the egress name itself; the chain behind the gateway's host name is not shown. Never rejects. */
  answer(entry: EgressEntry, type: number, table: EgressTable): Promise<LocalAnswer>;
};

type Cells = {
  readonly ask: Ask;
  readonly now: () => number;
  readonly byTargets: Map<string, Cell>;
  /** The table that the cells were last compared with. */
  table: EgressTable | undefined;
};

/** `now` gives milliseconds. */
export function createFlattener(ask: Ask, now: () => number): Flattener {
  const cells: Cells = { ask, now, byTargets: new Map(), table: undefined };
  return {
    async answer(entry, type, table) {
      const cell = cellOf(cells, entry, table);
      judge(cell, table);
      await keepFresh(cells, cell, entry, table);
      judge(cell, table);
      return fromCell(cell, entry, type, table, now());
    },
  };
}

/** One cell for each list of targets; those that no entry has any more are forgotten. */
function cellOf(cells: Cells, entry: EgressEntry, table: EgressTable): Cell {
  const { byTargets } = cells;
  if (cells.table !== table) {
    const live = new Set([...namesOf(table).claims()].map((one) => one.targets.join(" ")));
    for (const key of byTargets.keys()) if (!live.has(key)) byTargets.delete(key);
    cells.table = table;
  }
  const key = entry.targets.join(" ");
  const cell = byTargets.get(key) ?? {};
  byTargets.set(key, cell);
  return cell;
}

/**
 * Forgets addresses that were found by way of a name that is an egress hostname by now: they are that name's real ones,
 * and no gateway's. Another table may have come while they were looked up, too.
 */
function judge(cell: Cell, table: EgressTable): void {
  const { good } = cell;
  if (good === undefined || good.table === table) return;
  if (!good.via.some((key) => isLoop(table, key))) {
    cell.good = { ...good, table };
    return;
  }
  delete cell.good;
  cell.bad = { code: EDE.OTHER, text: LOOP, until: 0 };
}

/** Refreshes in the background from half of the lifetime on; waits only when there is nothing fresh to give. */
async function keepFresh(cells: Cells, cell: Cell, entry: EgressEntry, table: EgressTable): Promise<void> {
  const at = cells.now();
  const { good, bad } = cell;
  if ((bad !== undefined && bad.until > at) || (good !== undefined && good.halfway > at)) return;
  const refreshed = refresh(cells, cell, entry, table);
  if (good === undefined) await refreshed;
  else if (good.until <= at) await withPatience(refreshed);
}

function refresh(cells: Cells, cell: Cell, entry: EgressEntry, table: EgressTable): Promise<void> {
  cell.refresh ??= lookUpAll(cells.ask, entry.targets, table).then((looked) => {
    delete cell.refresh;
    const at = cells.now();
    if (!looked.ok) {
      cell.bad = { code: looked.code, text: looked.text, until: at + FAILURE_PAUSE_MILLISECONDS };
      return;
    }
    const hold = Math.max(looked.ttlSeconds * 1_000, MIN_HOLD_MILLISECONDS);
    delete cell.bad;
    const { addresses, via } = looked;
    cell.good = { addresses, via, table, until: at + hold, halfway: at + hold / 2 };
  });
  return cell.refresh;
}

/** A client waits no longer for a refresh when there are last good addresses to give. */
async function withPatience(refreshed: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, REFRESH_PATIENCE_MILLISECONDS);
  });
  await Promise.race([refreshed, enough]);
  clearTimeout(timer);
}

function fromCell(cell: Cell, entry: EgressEntry, type: number, table: EgressTable, at: number): LocalAnswer {
  const { good } = cell;
  if (good === undefined || good.until + STALE_MILLISECONDS <= at) {
    const { code, text } = cell.bad ?? { code: EDE.NO_REACHABLE_AUTHORITY, text: "cannot be looked up" };
    return failure(code, `${entry.trouble} ${text}`);
  }
  const remaining = Math.max(0, Math.ceil((good.until - at) / 1_000));
  const prepared = prepareAddresses(type === TYPE.A ? 4 : 6, good.addresses, Math.min(remaining, table.ttlSeconds));
  const answer = addressAnswer(table, prepared);
  if (good.until > at) return answer;
  return { ...answer, ede: edeOption(EDE.STALE_ANSWER, `${entry.trouble} was resolved before, and cannot be now`) };
}
