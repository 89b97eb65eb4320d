/** Python's memory as the build has made it: nothing in it that must be new; and what happens without it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Native, Tab, agreeable, people, coreAndRendezvous } from "./browser";

let core: { url: string; server: Server; asked: string[] };
let meeting: { url: string; end: () => void };
let chromium: { contexts: BrowserContext[]; close: () => Promise<void> };
let home: string;

beforeAll(async () => {
  [[core, meeting], chromium] = await Promise.all([coreAndRendezvous(), people(1)]);
  home = await mkdtemp(join(tmpdir(), "huddle-home-"));
});

afterAll(async () => {
  await chromium.close();
  core.server.close();
  meeting.end();
  await rm(home, { recursive: true, maxRetries: 10 });
});

/** Also what is in no archive's memory: a module in the archive alone, a file of a package, a function of Python's own. */
const RANDOM = `
import importlib.resources, random, secrets, sys, tempfile, time, uuid
import configparser, ctypes
from mpyc.runtime import mpc

async def main():
    await mpc.start()
    drawn = random.getrandbits(64), secrets.randbits(64), uuid.uuid4().int, next(tempfile._get_candidate_names())
    print("drawn", *drawn, sys.argv[1:], mpc.pid, flush=True)
    print("year", time.gmtime().tm_year, flush=True)
    print("modules", configparser.__name__, importlib.resources.files("huddle").joinpath("py.typed").name, ctypes.pythonapi.Py_IsInitialized(), flush=True)
    print("total", await mpc.output(mpc.sum(mpc.input(mpc.SecInt()(mpc.pid + 1)))), flush=True)
    await mpc.shutdown()

mpc.run(main())
`;

test(
  "what a program draws at random is new in every run, the clock goes, and what no worker imported can be imported",
  async () => {
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
      const drawn = [...tab.events.output.matchAll(/^drawn (\S+) (\S+) (\S+) (\S+) \['x'\] 0$/gm)].flatMap((found) => found.slice(1));
      expect(drawn).toHaveLength(8);
      expect(new Set(drawn).size).toBe(8);
      const year = new Date().getUTCFullYear();
      expect(tab.events.output).toContain(`year ${year}\nmodules configparser py.typed 1\n`);
      expect(tab.events.output.match(/total 3/g)).toHaveLength(2);
    } finally {
      native.end();
      await tab.page.close();
    }
  },
);

test(
  "a browser that can't use Python's memory starts Python by itself, and says nothing of it",
  async () => {
    const context = chromium.contexts[0]!;
    await context.route("**/python-memory.bin", (route) => route.fulfill({ body: "this is no memory of a Python" }));
    const tab = await Tab.open(context, core.url, meeting.url);
    const source = join(home, "program.py");
    await writeFile(source, RANDOM);
    // It is asked for before anything is there, and done once there is a Python.
    await tab.send({ do: "host", name: "Ann", parties: 2, program: { entry: "program.py", files: { "program.py": RANDOM }, args: [] } });
    const { url } = await tab.events.until("invitation");
    const args = ["join", "--json", "--program", source, "--yes", "--name", "Ben", "--rendezvous", meeting.url, url];
    const native = new Native(home, args);
    try {
      expect(await tab.events.until("ended")).toMatchObject({ clean: true });
      expect(tab.events.output).toContain("modules configparser py.typed 1\ntotal 3\n");
      expect(core.asked).toContain("/site-whole.zip");
      expect(tab.events.all.map((event) => event.event)).not.toContain("broken");
    } finally {
      native.end();
      await tab.page.close();
      await context.unroute("**/python-memory.bin");
    }
  },
);
