/**
 * Python's memory after its start, kept from one visit to the next: restoring it takes a fraction of what
 * starting takes. It is made in the browser by the session worker, before that does anything else; it belongs to
 * the files that it was made of, whose addresses name them, and lies in Cache Storage, 40 MB of it.
 */
const CACHE = "huddle-python";

function key(files: readonly string[]): string {
  return `/huddle-snapshot?${files.map(encodeURIComponent).join("&")}`;
}

/** The memory that was made of these files, if it is kept here. */
export async function kept(files: readonly string[]): Promise<Blob | undefined> {
  try {
    const found = await (await caches.open(CACHE)).match(key(files));
    return await found?.blob();
  } catch {
    return undefined; // a browser that keeps nothing
  }
}

/** Keep it, in place of all others. */
export async function keep(files: readonly string[], memory: Blob): Promise<void> {
  if (!("caches" in globalThis)) return;
  await forget();
  const cache = await caches.open(CACHE);
  await cache.put(key(files), new Response(memory));
}

/** Keep none: one that can't be restored is of no use. */
export async function forget(): Promise<void> {
  if ("caches" in globalThis) await caches.delete(CACHE);
}
