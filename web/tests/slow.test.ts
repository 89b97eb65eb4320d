/**
 * The first visit from a slow place: a line as Chromium's "Slow 3G" has it, and a processor that is four times slower.
 *
 * What a person sees is looked at every second, by the page's own clock. The line is slow until it is clear how the page goes
 * about it, and fast from then on: nobody waits two minutes for a test.
 */
import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Native, ROOT, launch, rendezvous } from "./browser";
import { MINUTES, needPage, shown } from "./people";

type Person = Awaited<ReturnType<typeof launch>>;

const SLOW_3G = { bytes: 50_000, latency: 400 };
/** Seconds of which it is looked at what the page says. */
const WATCHED = 15;
const TICK = 50;

let meeting: { url: string; end: () => Promise<void> };
let line: Line;
let person: Person;
let home: string;

beforeAll(async () => {
  needPage();
  [meeting, person, home] = await Promise.all([rendezvous(), launch(), mkdtemp(join(tmpdir(), "huddle-home-"))]);
  line = await Line.to(meeting.url);
}, MINUTES);

afterAll(async () => {
  await person.close();
  line.close();
  await meeting.end();
  await rm(home, { recursive: true });
});

/** A line to a server, which all connections share: so many bytes a second come back, each so many milliseconds late. */
class Line {
  private bytes = Infinity;
  private latency = 0;
  private free = 0;

  private constructor(
    readonly url: string,
    readonly close: () => void,
  ) {}

  static async to(address: string): Promise<Line> {
    const { hostname, port } = new URL(address);
    const server = createServer((near) => line.join(near, connect(Number(port), hostname)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const line: Line = new Line(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => server.close());
    return line;
  }

  be({ bytes, latency }: { bytes: number; latency: number }): void {
    Object.assign(this, { bytes, latency });
  }

  private join(near: Socket, far: Socket): void {
    near.pipe(far);
    let passed = Promise.resolve();
    far.on("data", (data: Buffer) => (passed = this.pass(data, near, far)));
    far.on("end", () => void passed.then(() => near.end()));
    far.on("error", () => near.destroy());
    near.on("error", () => far.destroy());
    near.on("close", () => far.destroy());
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

/**
 * What the page said at each full second, and of each key when the browser had it and when the page had drawn its answer, by
 * the clock that all tabs have, in milliseconds.
 */
interface Watch {
  said: string[];
  keys: { came: number; drawn: number; shown: string }[];
}

const WATCH = `
globalThis.watch = { said: [], keys: [] };
addEventListener("keydown", ({ target, timeStamp }) => {
  const key = { came: performance.timeOrigin + timeStamp };
  watch.keys.push(key);
  const drawn = () => Object.assign(key, { drawn: performance.timeOrigin + performance.now(), shown: target.value });
  requestAnimationFrame(() => setTimeout(drawn));
}, true);
setInterval(() => watch.said.push(document.querySelector("label[for=getting-ready]")?.textContent ?? ""), 1000);`;

/** In a tab that does nothing: when it drew. */
const FRAMES = `
globalThis.pictures = [];
const draw = (time) => {
  pictures.push(performance.timeOrigin + time);
  requestAnimationFrame(draw);
};
requestAnimationFrame(draw);`;

/**
 * In frames of a tab beside it, which a busy machine draws less often too, and on a quarter of the processor: an answer that
 * comes later than this was held up by something long, as Python's start would be; and half of them come sooner than that.
 */
const LATEST = 120;
const USUAL = 15;

/** Somebody who types letters and takes them back, over and over, until `over` holds; how many keys these were. */
async function type(page: Page, over: Promise<unknown>): Promise<number> {
  let going = true;
  void over.finally(() => (going = false));
  let keys = 0;
  while (going) {
    await page.keyboard.press(keys++ % 2 ? "Backspace" : "x");
    await page.waitForFunction((count) => watch.keys.filter(({ drawn }) => drawn).length >= count, keys, { timeout: MINUTES });
    await sleep(100);
  }
  if (keys % 2) await page.keyboard.press("Backspace");
  return keys + (keys % 2);
}

test(
  "on a slow line with a slow processor the page says each second how far it is, loads less, and answers each key",
  async () => {
    const common = ["host", "--json", "--open", "-M", "2", "--name", "Tom", "--via", "lo", "--network", "relay"];
    const tom = new Native(home, [...common, "--rendezvous", meeting.url, join(ROOT, "programs/secret_santa.py")]);
    const [beside, page] = [await person.context.newPage(), await person.context.newPage()];
    try {
      await beside.evaluate(FRAMES);
      const { url } = await tom.events.until("invitation");
      const slow = await person.context.newCDPSession(page);
      await slow.send("Emulation.setCPUThrottlingRate", { rate: 4 });
      await page.addInitScript(WATCH);
      line.be(SLOW_3G);
      await shown({ page }, async () => {
        await page.goto(url.replace(new URL(url).origin, line.url), { waitUntil: "commit" });
        await page.getByLabel("Your name").fill("Ann", { timeout: MINUTES });
        const ready = page.waitForFunction(() => performance.getEntriesByName("huddle-session").length > 0, undefined, { timeout: MINUTES });
        const typing = type(page, ready);
        await page.waitForFunction((count) => watch.said.filter((text) => text.includes("%")).length >= count, WATCHED, { timeout: MINUTES });
        const { said } = await page.evaluate(() => watch);
        line.be({ bytes: Infinity, latency: 0 });
        const told = said.filter((text) => text.includes("%"));
        console.log(said.join("\n"));
        const [done, total] = told.map((text) => [...text.matchAll(/([\d.]+) (KiB|MiB)/g)].map(([, number, unit]) => Number(number) / (unit === "KiB" ? 1024 : 1))).at(-1)!;
        expect(done).toBeGreaterThan(0.3);
        // Python's memory is not among it.
        expect(total).toBeLessThan(7.5);
        // The last digit moves each second or two: 50 kB are half of it.
        expect(new Set(told).size).toBeGreaterThanOrEqual(WATCHED / 3);
        await ready;
        const typed = await typing;
        await expect(page.getByLabel("Your name").inputValue()).resolves.toBe("Ann");
        await page.waitForFunction(() => watch.keys.every(({ drawn }) => drawn));
        const { keys } = await page.evaluate(() => watch);
        expect(keys.map(({ shown }) => shown)).toEqual(Array.from({ length: typed }, (_, index) => (index % 2 ? "Ann" : "Annx")));
        const frames: number[] = await beside.evaluate("pictures");
        const late = keys.map(({ came, drawn }) => frames.filter((at) => came < at && at <= drawn).length);
        console.log(`frames between a key and its answer: ${late.join(" ")}`);
        expect(late.length).toBeGreaterThan(2 * WATCHED);
        expect(frames.length).toBeGreaterThan(10 * WATCHED);
        expect(Math.max(...late)).toBeLessThan(LATEST);
        expect([...late].sort((a, b) => a - b)[late.length >> 1]).toBeLessThan(USUAL);
        const names = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
        expect(names.filter((name) => name.includes("python-memory"))).toEqual([]);
      });
    } finally {
      tom.end();
      await page.close();
      await beside.close();
    }
  },
  MINUTES,
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
  MINUTES,
);

declare const watch: Watch;
