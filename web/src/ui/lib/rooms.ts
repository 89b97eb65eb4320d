/**
 * The rooms that this browser's person hosts and whose sessions have not begun, so that a host whose page was loaded
 * again, or died, comes back to those who wait there.
 *
 * What is kept of one: what the session's worker tells (huddle/session/room_keeping.py; as secret as the link and the
 * room's key), and what is hosted there, without what is for this person alone. It goes once the session begins, when
 * the host leaves, and when the invitation has expired.
 *
 * A page that hosts holds a lock on its room. One whose lock is free has died: the browser lets go of a lock however
 * its page ends.
 */
import type { HostRequest, Program } from "../../core/protocol";
import { promised, withStore } from "./database";

/** What somebody hosts, as far as it is kept. */
export type Hosted = Omit<HostRequest, "privateArgs" | "inputs" | "pseudonym" | "again">;

export interface LeftRoom {
  id: string;
  kept: string;
  hosted: Hosted;
  /** The dids of those who were let in: they keep their places. */
  seated: string[];
}

const lockOf = (id: string): string => `huddle room ${id}`;
/** In milliseconds of the wall clock; a room that can't be read has ended. */
const expires = ({ kept }: LeftRoom): number => {
  try {
    return Number((JSON.parse(kept) as { expires: number }).expires) * 1000 || 0;
  } catch {
    return 0;
  }
};

const remove = (id: string): Promise<void> => withStore("rooms", "readwrite", async (store) => void (await promised(store.delete(id))));

/** The rooms whose pages have gone before the start, the latest first; none where this browser keeps nothing. */
export async function leftRooms(now = Date.now()): Promise<LeftRoom[]> {
  try {
    const all = await withStore("rooms", "readonly", async (store) => (await promised(store.getAll())) as LeftRoom[]);
    for (const room of all) if (expires(room) <= now) await remove(room.id);
    const held = new Set((await navigator.locks.query()).held?.map((lock) => lock.name));
    return all.filter((room) => expires(room) > now && !held.has(lockOf(room.id))).toSorted((one, other) => expires(other) - expires(one));
  } catch {
    return [];
  }
}

export const forgetRoom = ({ id }: LeftRoom): Promise<void> => remove(id).catch(() => undefined);

export function forgetRooms(): Promise<void> {
  return withStore("rooms", "readwrite", async (store) => void (await promised(store.clear())));
}

/** The room that this page hosts. */
export class HostedRoom {
  private id = "";
  private kept = "";
  private hosted: Hosted | undefined;
  private readonly seated = new Set<string>();
  /** Who had a place when the page went, and has not come yet. */
  private readonly awaited = new Set<string>();
  private letGo: (() => void) | undefined;
  /** One thing after the other, in the order in which it was told. */
  private last: Promise<void> = Promise.resolve();

  /** Somebody can come back to it. */
  get isKept(): boolean {
    return this.kept !== "";
  }

  /** This is going to be hosted. */
  begins({ privateArgs: _args, inputs: _inputs, pseudonym: _, again: _again, ...hosted }: HostRequest): void {
    this.hosted = hosted;
  }

  /** The host has changed what is hosted. */
  changes(program: Program | undefined, parties?: number): void {
    if (!this.hosted) return;
    this.hosted = { ...this.hosted, ...(program ? { program } : {}), ...(parties === undefined ? {} : { parties }) };
    if (this.kept) this.keep(this.kept);
  }

  /** Somebody has a place now, or none any more. */
  seats(did: string, has: boolean): void {
    if (this.seated.has(did) === has) return;
    if (has) this.seated.add(did);
    else this.seated.delete(did);
    if (this.kept) this.keep(this.kept);
  }

  /** Whether somebody who knocks had a place when the page went; they have it again, once. */
  hadPlace(did: string): boolean {
    return this.awaited.delete(did);
  }

  /** What the worker told to be kept; empty: nobody is to come back. */
  keep(kept: string): void {
    this.kept = kept;
    this.last = this.last.then(() => this.store(kept)).catch(() => undefined); // where a browser forbids storage, nobody comes back
  }

  /** Come back to that one; false where another page has. */
  async take(left: LeftRoom): Promise<boolean> {
    if (!(await this.lock(left.id))) return false;
    this.kept = left.kept;
    for (const did of left.seated) {
      this.seated.add(did);
      this.awaited.add(did);
    }
    return true;
  }

  /** The session is over or the page goes, while what is kept of it stays. */
  close(): void {
    this.release();
    this.kept = "";
    this.hosted = undefined;
    this.seated.clear();
    this.awaited.clear();
  }

  /** All that was told is done. */
  settled(): Promise<void> {
    return this.last;
  }

  private async store(kept: string): Promise<void> {
    if (kept !== this.kept) return; // something else was told since
    if (!kept) {
      const { id } = this;
      this.release();
      if (id) await remove(id);
    } else if (this.id || (await this.lock(crypto.randomUUID()))) {
      const room = { id: this.id, kept, hosted: this.hosted, seated: [...this.seated] };
      await withStore("rooms", "readwrite", async (store) => void (await promised(store.put(room))));
    }
  }

  private release(): void {
    this.letGo?.();
    this.letGo = undefined;
    this.id = "";
  }

  private lock(id: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      navigator.locks
        .request(lockOf(id), { ifAvailable: true }, (lock) => {
          resolve(lock !== null);
          if (!lock) return undefined;
          this.id = id;
          return new Promise<void>((letGo) => (this.letGo = letGo));
        })
        .catch(reject);
    });
  }
}
