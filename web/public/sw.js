/*
 * Makes the page quick to open and usable from cache, and never old: the page itself is asked of the server
 * first, and all else that is kept has the hash of its content in its name. A page that differs from the
 * kept one empties the cache. Requests to the rendezvous are left alone.
 */
const CACHE = "huddle-page";
/** What Python is made of, which the page keeps itself (src/core/kept-files.ts): too large to pass here. */
const PYTHON = /\.(wasm|bin|zip)$/;
const SCOPE = new URL(self.registration.scope);
const INDEX = SCOPE.href;
/** A server that is silent for so long, in milliseconds, counts as away. */
const PATIENCE = 4000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== SCOPE.origin || !url.pathname.startsWith(SCOPE.pathname)) return;
  const path = url.pathname.slice(SCOPE.pathname.length);
  if (PYTHON.test(path)) return;
  if (path.startsWith("assets/")) event.respondWith(asset(event));
  else if (request.mode === "navigate" && ["", "j", "index.html"].includes(path)) event.respondWith(page(request));
});

async function asset(event) {
  const { request } = event;
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request.url);
  if (kept) return kept;
  // By its address: WebKit passes no request for a worker's script on.
  const response = await fetch(request.url);
  // Passed on as it comes, so that who waits for it sees how far it is; kept only once all of it is here.
  if (response.status === 200) event.waitUntil(keep(cache, request.url, response.clone()).catch(() => undefined));
  return response;
}

async function keep(cache, address, response) {
  const { headers } = response;
  await cache.put(address, new Response(await response.blob(), { headers }));
}

async function page(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(INDEX);
  let response;
  try {
    response = await fetch(request, { signal: kept ? AbortSignal.timeout(PATIENCE) : undefined });
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
  if (response.status === 200) {
    const text = await response.clone().text();
    if (kept && (await kept.text()) !== text) {
      for (const old of await cache.keys()) await cache.delete(old);
    }
    await cache.put(INDEX, response.clone()).catch(() => undefined);
  }
  return response;
}
