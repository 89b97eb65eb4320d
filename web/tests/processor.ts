/** Processor time of a browser, by Linux's account of its processes. */
import { readFile, readdir } from "node:fs/promises";
import type { Browser, CDPSession } from "playwright-core";

/** Of a second; Linux has the same for all programs. */
const TICKS = 100;

/** Seconds that all processes of these browsers have computed so far, those that have ended among them. */
export async function spent(browsers: Iterable<Browser>): Promise<number> {
  const roots = await Promise.all([...browsers].map(main));
  const children = new Map<number, number[]>();
  const ticks = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    const stat = /^\d+$/.test(name) && (await readFile(`/proc/${name}/stat`, "utf8").catch(() => ""));
    if (!stat) continue;
    // What follows the program's name: state, parent, …; 11 to 14 are its own times and those of children that ended.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [pid, parent] = [Number(name), Number(fields[1])];
    children.set(parent, [...(children.get(parent) ?? []), pid]);
    ticks.set(pid, fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0));
  }
  const ofTree = (pid: number): number =>
    (children.get(pid) ?? []).reduce((sum, child) => sum + ofTree(child), ticks.get(pid) ?? 0);
  return roots.reduce((sum, root) => sum + ofTree(root), 0) / TICKS;
}

/** What asks for the seconds that a page's own thread has computed so far, by Chromium's account; `page` is its session. */
export async function ofThread(page: CDPSession): Promise<() => Promise<number>> {
  await page.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => (await page.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration")!.value;
}

export const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/**
 * Waits until these browsers compute less than a third of a core; the seconds of processor time until then. The runners of three
 * tabs that get warm take more, and tabs with links in which nothing happens a twentieth at most.
 */
export async function rested(browsers: Iterable<Browser>): Promise<number> {
  const all = [...browsers];
  const began = await spent(all);
  for (let before = began, end = Date.now() + 60_000; Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const now = await spent(all);
    if (now - before < 1 / 3) return now - began;
    before = now;
  }
  throw new Error("the browser never comes to rest");
}

/** The number of the process that a browser began with. */
async function main(browser: Browser): Promise<number> {
  const cdp = await browser.newBrowserCDPSession();
  const { processInfo } = await cdp.send("SystemInfo.getProcessInfo");
  await cdp.detach();
  return processInfo.find(({ type }) => type === "browser")!.id;
}
