/**
 * Fetches packages for a program, in a worker of its own: the only script that may connect to anything but
 * the rendezvous, where whoever runs that has named another source (huddle/rendezvous/server/site.py).
 *
 * One `Order` in, one `Given` out. What does not have its hash is not handed on.
 */
import { listIn, resolve, type Given, type List, type Order, type Wanted } from "./packages";

const PATIENCE = 60_000; // milliseconds for one file
const NOTHING: List = { packages: {}, source: "" };

self.onmessage = async ({ data }: MessageEvent<Order>) => {
  self.postMessage(await given(data));
};

async function given({ imports, list, packages }: Order): Promise<Given> {
  try {
    const [known, served] = await Promise.all([listAt(list), listAt(new URL("index.json", packages).href, NOTHING)]);
    const { needs, missing } = resolve(imports, known, served, packages);
    const files = new Map(Object.values(needs).flatMap((all) => all.map((one) => [one.url, one])));
    const wheels: Given["wheels"] = [];
    const failed = new Map<string, string>();
    await Promise.all(
      [...files.values()].map(async (one) => {
        try {
          wheels.push(await wheel(one));
        } catch (error) {
          failed.set(one.name, said(error));
        }
      }),
    );
    for (const [module, all] of Object.entries(needs))
      for (const { name } of all) if (failed.has(name)) missing[module] = failed.get(name)!;
    return { wheels, missing };
  } catch (error) {
    return { wheels: [], missing: Object.fromEntries(imports.map((name) => [name, said(error)])) };
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function listAt(url: string, otherwise?: List): Promise<List> {
  const response = await got(url);
  if (response.status === 404 && otherwise) return otherwise;
  if (!response.ok) throw new Error(`${url} can't be fetched: HTTP ${response.status}`);
  try {
    return listIn(await response.json());
  } catch (error) {
    throw new Error(`${url} is no list of packages: ${said(error)}`);
  }
}

async function wheel({ name, url, sha256 }: Wanted): Promise<{ name: string; data: Blob }> {
  const response = await got(url);
  if (!response.ok) throw new Error(`${name} can't be fetched from ${url}: HTTP ${response.status}`);
  const data = await response.arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  if (hex(hash) !== sha256) throw new Error(`what ${url} sends is not ${name}: it has another SHA-256`);
  return { name, data: new Blob([data]) };
}

async function got(url: string): Promise<Response> {
  try {
    return await fetch(url, { credentials: "omit", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(PATIENCE) });
  } catch {
    throw new Error(`${url} can't be reached`);
  }
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
