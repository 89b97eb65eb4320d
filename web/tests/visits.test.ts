/**
 * What a first visit leaves for a later one. Counted are fetches and files, of which the time consists; how long it takes is
 * in docs/performance.md.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, launch, memoryKept, rendezvous } from "./browser";
import { needPage, open, shown } from "./people";

/** What Python is made of, by the beginning of its name; with the bytes that the build counted. */
const PARTS = { "pyodide.asm-": "wasm", "python_stdlib-": "stdlib", "site-": "site", "python-memory-": "memory" } as const;

let meeting: { url: string; end: () => Promise<void> };
let person: Awaited<ReturnType<typeof launch>>;
let sizes: Record<string, number>;

beforeAll(async () => {
  needPage();
  sizes = JSON.parse(await readFile(join(ROOT, "web/build/sizes.json"), "utf8")) as typeof sizes;
  [meeting, person] = await Promise.all([rendezvous(), launch()]);
  // The line is fast, however long a page with much to do takes for what comes: on a slow one less is loaded.
  await person.context.addInitScript("{ const now = performance.now.bind(performance); performance.now = () => now() / 1000; }");
});

afterAll(async () => {
  await person.close();
  await meeting.end();
});

/** How often this page has asked for each of Python's parts. */
async function asked(page: Page): Promise<Record<string, number>> {
  const names = await page.evaluate(() => performance.getEntriesByType("resource").map((entry) => entry.name.split("/").pop()!));
  const parts = names.filter((name) => !name.includes("-whole-"));
  return Object.fromEntries(Object.keys(PARTS).map((part) => [part, parts.filter((name) => name.startsWith(part)).length]));
}

const each = (times: number): Record<string, number> => Object.fromEntries(Object.keys(PARTS).map((part) => [part, times]));

/** The bytes of all that is kept of Python in this browser, by name. */
const kept = (page: Page): Promise<Record<string, number>> =>
  page.evaluate(async () => {
    const cache = await caches.open("huddle-python");
    const all = await cache.keys();
    const sizes = all.map(async (request) => [request.url.split("/").pop(), (await (await cache.match(request))!.blob()).size] as const);
    return Object.fromEntries(await Promise.all(sizes));
  });

const both = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => ["huddle-session", "huddle-runner"].every((name) => performance.getEntriesByName(name).length > 0));

test(
  "a first visit fetches each part of Python once and keeps it; a later one fetches none",
  async () => {
    // Where no page is that would keep anything.
    const before = await open(person.context, `${meeting.url}/sw.js`);
    await before.evaluate(async () => {
      const cache = await caches.open("huddle-python");
      await cache.put("/assets/python-memory-of-last-year.bin", new Response("old"));
    });
    await before.close();

    const first = await open(person.context, `${meeting.url}/`);
    await shown({ first }, async () => {
      await first.waitForFunction(memoryKept);
      // Once it says that they are kept they are, whatever it does next: the next visit may begin in this moment.
      const there = Object.entries(await kept(first));
      expect(there).toHaveLength(4);
      for (const [part, name] of Object.entries(PARTS)) expect(there.find(([file]) => file.startsWith(part))?.[1], part).toBe(sizes[name]);
      expect(await asked(first)).toEqual(each(1));
    });
    await first.close();

    const later = await open(person.context, `${meeting.url}/`);
    await shown({ later }, async () => {
      await both(later);
      expect(await asked(later)).toEqual(each(0));
      // Nor for the visit after it; and nothing is kept twice.
      await later.waitForFunction(memoryKept);
      expect(await asked(later)).toEqual(each(0));
      const byServiceWorker = await later.evaluate(async () => (await (await caches.open("huddle-page")).keys()).map(({ url }) => url));
      expect(byServiceWorker.filter((url) => Object.keys(PARTS).some((part) => url.includes(part)))).toEqual([]);
    });
    await later.close();
  },
);
