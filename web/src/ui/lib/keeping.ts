/**
 * What the page keeps in this browser: past runs (IndexedDB), contacts and a few settings (local storage).
 * The identity is the session worker's, in a database of its own.
 */
import { promised, withStore } from "./database";

export interface PastRun {
  id?: number;
  /** Milliseconds of the wall clock. */
  at: number;
  entry: string;
  digest: string;
  args: string[];
  parties: string[];
  state: "finished" | "failed";
  reason: string;
  seconds: number | undefined;
  output: string;
}

/** Of the worker (core/identity.ts). */
const IDENTITY = "huddle";
const SETTINGS = "huddle settings";
const CONTACTS = "huddle contacts";
/** More would be slow to list; the oldest go first. */
export const MOST = 100;

export function keepRun(run: PastRun): Promise<void> {
  return withStore("runs", "readwrite", async (store) => {
    await promised(store.add(run));
    const keys = await promised(store.getAllKeys());
    await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST)).map((key) => promised(store.delete(key))));
  });
}

/** The newest first. */
export function pastRuns(): Promise<PastRun[]> {
  return withStore("runs", "readonly", async (store) => ((await promised(store.getAll())) as PastRun[]).toReversed());
}

export function forgetRun(id: number): Promise<void> {
  return withStore("runs", "readwrite", async (store) => void (await promised(store.delete(id))));
}

export function forgetRuns(): Promise<void> {
  return withStore("runs", "readwrite", async (store) => void (await promised(store.clear())));
}

/** The identity and the contacts; the next session begins with a new identity. */
export async function forgetIdentity(): Promise<void> {
  forget(CONTACTS);
  const deleting = indexedDB.deleteDatabase(IDENTITY);
  await new Promise((resolve, reject) => {
    deleting.onsuccess = resolve;
    deleting.onerror = () => reject(deleting.error ?? new Error("the browser's store failed"));
    deleting.onblocked = () => reject(new Error("another tab holds it"));
  });
}

export interface Settings {
  name: string;
  /** In order of preference; empty: all that there are. */
  networks: ("webrtc" | "relay")[];
  grace: number | undefined;
  stall: number | undefined;
  /** In MiB. */
  maxQueue: number | undefined;
  keepRuns: boolean;
  /** A sound, and where allowed a notification, when this person is needed. */
  alerts: boolean;
}

export const DEFAULTS: Settings = { name: "", networks: [], grace: undefined, stall: undefined, maxQueue: undefined, keepRuns: true, alerts: true };

export function settings(): Settings {
  try {
    return { ...DEFAULTS, ...(JSON.parse(recall(SETTINGS) || "{}") as Partial<Settings>) };
  } catch {
    return DEFAULTS; // another version wrote it
  }
}

export const keepSettings = (chosen: Settings): void => keep(SETTINGS, JSON.stringify(chosen));
export const forgetSettings = (): void => forget(SETTINGS);

/** The text of a contacts file, as the session worker told it last. */
export const contacts = (): string => recall(CONTACTS);
export const keepContacts = (text: string): void => keep(CONTACTS, text);

// Where a browser forbids storage, what was chosen counts for this visit only.

function recall(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function keep(key: string, text: string): void {
  try {
    localStorage.setItem(key, text);
  } catch {
    return;
  }
}

function forget(key: string): void {
  try {
    localStorage.removeItem(key);
  } catch {
    return;
  }
}
