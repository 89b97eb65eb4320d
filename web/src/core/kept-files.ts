/**
 * What Python is made of, as a browser keeps it from one visit to the next: the page's own doing, with the very bytes
 * that came, so that nothing is fetched, decompressed or copied once more for it. The service worker leaves these
 * files alone (public/sw.js).
 */
const CACHE = "huddle-python";

/** Whether that file was kept. */
export async function isKept(address: string): Promise<boolean> {
  return (await found(address)) !== undefined;
}

/** That file, as it lies on the disk: nothing of it passes the page. */
export async function kept(address: string): Promise<Blob | undefined> {
  return (await found(address))?.blob();
}

/** Keep these files, by their addresses, and no others. */
export async function keep(files: ReadonlyMap<string, Blob>): Promise<void> {
  const cache = await caches.open(CACHE);
  const missing = new Map([...files].map(([address, blob]) => [new URL(address, location.href).href, blob]));
  for (const { url } of await cache.keys()) if (!missing.delete(url)) await cache.delete(url);
  for (const [url, blob] of missing) await cache.put(url, new Response(blob, { headers: { "content-type": blob.type } }));
}

/** Nothing where a browser keeps nothing: by plain HTTP from another machine, in some private windows. */
async function found(address: string): Promise<Response | undefined> {
  return globalThis.caches?.match(address, { cacheName: CACHE }).catch(() => undefined);
}
