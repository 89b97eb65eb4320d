/**
 * Python's memory after its start, kept from one visit to the next: restoring it takes a fraction of what
 * starting takes. It is made in the browser, once both workers are up, by a worker that does nothing else;
 * it belongs to exactly the files that it was made of, and lies in Cache Storage, 40 MB of it.
 */
import type { Assets } from "./python";

const CACHE = "huddle-python";

/** What the worker that makes one is sent, and what it answers. */
export interface Order {
  snapshotOf: Assets;
}
export type Answer = { snapshot: Blob } | { failed: string };

async function address(assets: Assets): Promise<string> {
  const parts = await Promise.all([assets.wasm, assets.stdlib, assets.site].map(async (part) => part.arrayBuffer()));
  const hashes = await Promise.all(parts.map((part) => crypto.subtle.digest("SHA-256", part)));
  const all = new Uint8Array(hashes.flatMap((hash) => [...new Uint8Array(hash)]));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", all));
  return `/huddle-snapshot-${[...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** The snapshot of these files, if one is kept here. */
export async function kept(assets: Assets): Promise<Blob | undefined> {
  try {
    const cache = await caches.open(CACHE);
    // Mostly there is none, and then the files need not be read for their hash.
    if ((await cache.keys()).length === 0) return undefined;
    const found = await cache.match(await address(assets));
    return await found?.blob();
  } catch {
    return undefined; // a browser that keeps nothing
  }
}

/** Make one and keep it, in place of all others. */
export async function keep(assets: Assets, sessionWorker: string): Promise<void> {
  if (!("caches" in globalThis)) return;
  const snapshot = await made(assets, sessionWorker);
  await forget();
  const cache = await caches.open(CACHE);
  await cache.put(await address(assets), new Response(snapshot));
}

/** Keep none: one that can't be restored is of no use. */
export async function forget(): Promise<void> {
  if ("caches" in globalThis) await caches.delete(CACHE);
}

async function made(assets: Assets, sessionWorker: string): Promise<Blob> {
  const worker = new Worker(sessionWorker);
  try {
    return await new Promise<Blob>((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = ({ data }: MessageEvent<Answer>) => {
        if ("snapshot" in data) resolve(data.snapshot);
        else reject(new Error(data.failed));
      };
      worker.postMessage({ snapshotOf: { ...assets, snapshot: undefined } } satisfies Order);
    });
  } finally {
    worker.terminate();
  }
}
