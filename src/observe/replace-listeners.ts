import type { Log } from "./log.ts";
import { type MakePage, type PageAddress, type PageServer, startPageServer } from "./page-server.ts";

/** What is to be listened on, and the pages there by path. */
export type WantedListener = { readonly address: PageAddress; readonly pages: ReadonlyMap<string, MakePage> };

/** What is listened on. */
export type OpenListener = WantedListener & { readonly server: PageServer };

type Listeners = ReadonlyMap<string, OpenListener>;

/**
 * Goes from what is open to what is wanted, by key: opens what is new, and only then changes the pages of what stays and
 * closes what is gone. An old listener that stands in the way of a new one, such as one for all addresses in the way of
 * one for a single address on the same port, is closed first, and opened again should anything fail. Fails with
 * SLUICE_LISTEN_FAILED; `open` then still serves what it did.
 */
export async function replaceListeners(
  open: Map<string, OpenListener>,
  wanted: ReadonlyMap<string, WantedListener>,
  log: Log,
): Promise<void> {
  const opened = new Map<string, OpenListener>();
  const closedEarly = new Map<string, OpenListener>();
  try {
    for (const [key, listener] of wanted) {
      if (!open.has(key)) opened.set(key, await openPast(listener, { open, wanted, closedEarly, log }));
    }
  } catch (error) {
    await Promise.all([...opened.values()].map(({ server }) => server.close()));
    for (const [key, listener] of closedEarly) open.set(key, await start(listener, log));
    throw error;
  }
  const gone = [...open].filter(([key]) => !wanted.has(key));
  for (const [key, { server, address }] of open) {
    const pages = wanted.get(key)?.pages;
    if (pages === undefined) continue;
    server.replace(pages);
    open.set(key, { server, address, pages });
  }
  for (const [key] of gone) open.delete(key);
  for (const [key, listener] of opened) open.set(key, listener);
  await Promise.all(gone.filter(([key]) => !closedEarly.has(key)).map(([, { server }]) => server.close()));
}

const start = async ({ address, pages }: WantedListener, log: Log): Promise<OpenListener> => ({
  address,
  pages,
  server: await startPageServer(address, pages, log),
});

type Replacement = {
  readonly open: Listeners;
  readonly wanted: ReadonlyMap<string, WantedListener>;
  /** Old listeners that had to go before a new one could be opened. */
  readonly closedEarly: Map<string, OpenListener>;
  readonly log: Log;
};

async function openPast(listener: WantedListener, replacement: Replacement): Promise<OpenListener> {
  const { open, wanted, closedEarly, log } = replacement;
  try {
    return await start(listener, log);
  } catch (error) {
    const inTheWay = [...open].filter(
      ([key, { server }]) => server.port === listener.address.port && !wanted.has(key) && !closedEarly.has(key),
    );
    if (inTheWay.length === 0) throw error;
    for (const [key, old] of inTheWay) {
      closedEarly.set(key, old);
      await old.server.close();
    }
    return start(listener, log);
  }
}
