/** The next visit: Python's memory from the first one, and nothing in it that must be new. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Native, Tab, agreeable, people, rendezvous, coreAndRendezvous } from "./browser";

const MINUTE = 60_000;

let core: { url: string; server: Server };
let meeting: { url: string; end: () => void };
let chromium: { contexts: BrowserContext[]; close: () => Promise<void> };
let home: string;

beforeAll(async () => {
  [[core, meeting], chromium] = await Promise.all([coreAndRendezvous(), people(1)]);
  home = await mkdtemp(join(tmpdir(), "huddle-home-"));
}, MINUTE);

afterAll(async () => {
  await chromium.close();
  core.server.close();
  meeting.end();
  await rm(home, { recursive: true });
});

const RANDOM = `
import random, secrets, sys
from mpyc.runtime import mpc

async def main():
    await mpc.start()
    print("drawn", random.getrandbits(64), secrets.randbits(64), sys.argv[1:], mpc.pid, flush=True)
    print("total", await mpc.output(mpc.sum(mpc.input(mpc.SecInt()(mpc.pid + 1)))), flush=True)
    await mpc.shutdown()

mpc.run(main())
`;

const KEPT = `(async () => {
  if (performance.getEntriesByName("huddle-kept").length === 0) return 0;
  const cache = await caches.open("huddle-python");
  const [key] = await cache.keys();
  return (await (await cache.match(key)).blob()).size;
})()`;

test(
  "Python's memory is kept and restored; what a program draws at random is new in every run",
  async () => {
    const first = await Tab.open(chromium.contexts[0]!, core.url, meeting.url, agreeable);
    await first.events.until("ready");
    let size = 0;
    for (let tries = 0; size === 0 && tries < 120; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      size = await first.page.evaluate(KEPT);
    }
    expect(size).toBeGreaterThan(10 << 20);
    await first.page.close();

    let again = true;
    const tab = await Tab.open(chromium.contexts[0]!, core.url, meeting.url, (_tab, event) => {
      if (event.event !== "question" || event.what !== "again") return agreeable(_tab, event);
      const decision = again ? ({ do: "again" } as const) : ({ do: "finish" } as const);
      again = false;
      return decision;
    });
    const source = join(home, "program.py");
    await writeFile(source, RANDOM);
    const program = { entry: "program.py", files: { "program.py": RANDOM }, args: ["x"] };
    await tab.send({ do: "host", name: "Ann", parties: 2, stay: true, program });
    const { url } = await tab.events.until("invitation");
    const args = ["join", "--json", "--program", source, "--yes", "--name", "Ben", "--rendezvous", meeting.url, url];
    const native = new Native(home, args);
    try {
      const end = await tab.events.until("ended");
      expect(end, JSON.stringify(tab.events.all.filter((event) => event.event === "run"))).toMatchObject({ clean: true });
      const drawn = [...tab.events.output.matchAll(/^drawn (\d+) (\d+) \['x'\] 0$/gm)].flatMap((found) => found.slice(1));
      expect(drawn).toHaveLength(4);
      expect(new Set(drawn).size).toBe(4);
      expect(tab.events.output.match(/total 3/g)).toHaveLength(2);
      expect(tab.said).not.toContain("can't be restored");
    } finally {
      native.end();
      await tab.page.close();
    }
  },
  4 * MINUTE,
);
