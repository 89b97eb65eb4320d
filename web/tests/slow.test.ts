/**
 * The first visit from a slow place: a line as Chromium's "Slow 3G" has it, and a processor that is four times slower.
 *
 * What a person sees is looked at every second, by the page's own clock. The line is slow until it is clear how the page goes
 * about it, and fast from then on: nobody waits two minutes for a test.
 */
import type { Socket } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Native, ROOT, launch, rendezvous } from "./browser";
import { needPage, shown } from "./people";
import { median, ofThread } from "./processor";
import { proxy, type Proxy } from "./proxy";

type Person = Awaited<ReturnType<typeof launch>>;

const SLOW_3G = { bytes: 50_000, latency: 400 };
/** Seconds of which it is looked at what the page says. */
const WATCHED = 15;
const TICK = 50;

let meeting: { url: string; end: () => Promise<void> };
let line: Line;
let way: Proxy;
let person: Person;
let home: string;

beforeAll(async () => {
  needPage();
  [meeting, person, home] = await Promise.all([rendezvous(), launch(), mkdtemp(join(tmpdir(), "huddle-home-"))]);
  line = new Line();
  way = await proxy(meeting.url, (near, far) => line.join(near, far));
});

afterAll(async () => {
  await person.close();
  way.close();
  await meeting.end();
  await rm(home, { recursive: true, maxRetries: 10 });
});

/** A line to a server, which all connections share: so many bytes a second come back, each so many milliseconds late. */
class Line {
  private bytes = Infinity;
  private latency = 0;
  private free = 0;

  be({ bytes, latency }: { bytes: number; latency: number }): void {
    Object.assign(this, { bytes, latency });
  }

  join(near: Socket, far: Socket): void {
    near.pipe(far);
    let passed = Promise.resolve();
    far.on("data", (data: Buffer) => (passed = this.pass(data, near, far)));
    far.on("end", () => void passed.then(() => near.end()));
  }

  private async pass(data: Buffer, near: Socket, far: Socket): Promise<void> {
    far.pause();
    await sleep(this.latency);
    for (let at = 0; at < data.length; ) {
      // So many leave in a tick, of all connections together.
      const now = performance.now();
      if (this.free > now && this.bytes < Infinity) await sleep(this.free - now);
      const part = data.subarray(at, at + Math.max(1, Math.min(1 << 16, (this.bytes * TICK) / 1000)));
      this.free = Math.max(this.free, performance.now()) + (part.length / this.bytes) * 1000;
      near.write(part);
      at += part.length;
    }
    far.resume();
  }
}

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What the page said at each full second, and showed in its answer to each key, once it was drawn. */
interface Watch {
  said: string[];
  shown: string[];
}

const WATCH = `
globalThis.watch = { said: [], shown: [] };
addEventListener("keydown", ({ target }) => requestAnimationFrame(() => setTimeout(() => watch.shown.push(target.value))), true);
setInterval(() => watch.said.push(document.querySelector("label[for=getting-ready]")?.textContent ?? ""), 1000);`;

/**
 * Against what the page computes for a key once all is ready, in processor time of its thread: a key that costs more than this
 * waited for something long, as Python's start would be; and half of them cost less than that.
 */
const MOST = 40;
const USUAL = 5;

/**
 * Somebody who types letters and takes them back, over and over, until `over` holds and there are so many keys: in `cost`, seconds
 * that the page's thread computed from each answer to the next, however much else the machine has to do.
 */
async function type(page: Page, computed: () => Promise<number>, over: Promise<unknown>, least = 0, cost: number[] = []): Promise<number[]> {
  let going = true;
  void over.finally(() => (going = false));
  const before = await page.evaluate(() => watch.shown.length);
  let last = await computed();
  while (going || cost.length < least || cost.length % 2) {
    await page.keyboard.press(cost.length % 2 ? "Backspace" : "x");
    await page.waitForFunction((count) => watch.shown.length >= count, before + cost.length + 1);
    const now = await computed();
    cost.push(now - last);
    last = now;
    await sleep(100);
  }
  return cost;
}

test(
  "on a slow line with a slow processor the page says each second how far it is, loads less, and answers each key",
  async () => {
    const common = ["host", "--json", "--open", "-M", "2", "--name", "Tom", "--via", "lo", "--network", "relay"];
    const tom = new Native(home, [...common, "--rendezvous", meeting.url, join(ROOT, "programs/secret_santa.py")]);
    const page = await person.context.newPage();
    try {
      const { url } = await tom.events.until("invitation");
      const slow = await person.context.newCDPSession(page);
      await slow.send("Emulation.setCPUThrottlingRate", { rate: 4 });
      const computed = await ofThread(slow);
      await page.addInitScript(WATCH);
      line.be(SLOW_3G);
      await shown({ page }, async () => {
        await page.goto(url.replace(new URL(url).origin, way.url), { waitUntil: "commit" });
        await page.getByLabel("Your name").fill("Ann");
        const ready = page.waitForFunction(() => performance.getEntriesByName("huddle-session").length > 0);
        const keys: number[] = [];
        const typing = type(page, computed, ready, 0, keys);
        // The last digit moves each second or two: 50 kB are half of it.
        await page.waitForFunction((count) => {
          const told = watch.said.filter((text) => text.includes("%"));
          return told.length >= count && new Set(told).size >= count / 3;
        }, WATCHED);
        const { said } = await page.evaluate(() => watch);
        while (keys.length <= WATCHED) await sleep(TICK);
        const slowly = [...keys];
        line.be({ bytes: Infinity, latency: 0 });
        const told = said.filter((text) => text.includes("%"));
        console.log(said.join("\n"));
        const [done, total] = told.map((text) => [...text.matchAll(/([\d.]+) (KiB|MiB)/g)].map(([, number, unit]) => Number(number) / (unit === "KiB" ? 1024 : 1))).at(-1)!;
        expect(done).toBeGreaterThan(0.05);
        // Python's memory is not among it.
        expect(total).toBeLessThan(7.5);
        await ready;
        const typed = await typing;
        await page.waitForFunction(() => performance.getEntriesByName("huddle-runner").length > 0);
        const after = await type(page, computed, Promise.resolve(), 20);
        await expect(page.getByLabel("Your name").inputValue()).resolves.toBe("Ann");
        const { shown } = await page.evaluate(() => watch);
        expect(shown).toEqual([...typed, ...after].map((_, index) => (index % 2 ? "Ann" : "Annx")));
        const [usual, reference] = [median(typed), median(after)];
        console.log(`${typed.length} keys: ${usual.toFixed(3)} s of the page's thread each, at most ${Math.max(...slowly).toFixed(3)} while the line was slow; ${after.length} later: ${reference.toFixed(3)}`);
        expect(Math.max(...slowly)).toBeLessThan(MOST * reference);
        expect(usual).toBeLessThan(USUAL * reference);
        const names = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
        expect(names.filter((name) => name.includes("python-memory"))).toEqual([]);
      });
    } finally {
      tom.end();
      await page.close();
    }
  },
);

test(
  "where the session's script does not come, the page says so",
  async () => {
    const page = await person.context.newPage();
    try {
      await page.route("**/assets/session-worker-*.js", (route) => route.abort());
      await page.goto(`${meeting.url}/#host=average_salary`);
      await shown({ page }, () => page.getByText("The script of the session did not come whole.").waitFor());
    } finally {
      await page.close();
    }
  },
);

declare const watch: Watch;
