/** Parties in browsers, with real workers: Chromium, a real rendezvous, native parties. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { probe, reached } from "./probe";
import { Native, ROOT, Tab, launch, coreAndRendezvous } from "./browser";

let core: { url: string; server: Server };
let meeting: { url: string; end: () => Promise<void> };
let browser: { context: BrowserContext; close: () => Promise<void> };
let home: string;

beforeAll(async () => {
  [[core, meeting], browser] = await Promise.all([coreAndRendezvous(), launch()]);
  home = await mkdtemp(join(tmpdir(), "huddle-home-"));
});

afterAll(async () => {
  await browser.close();
  core.server.close();
  await meeting.end();
  await rm(home, { recursive: true, maxRetries: 10 });
});

const program = (source: string, ...args: string[]): unknown => ({
  entry: "program.py",
  files: { "program.py": source },
  args,
});

/** It sleeps outside of its loop and in it, as programs may that know nothing of browsers. */
const TOTAL = `
import time
from mpyc.runtime import mpc

time.sleep(0.01)

async def main():
    secint = mpc.SecInt(32)
    await mpc.start()
    time.sleep(0)
    began = time.monotonic()
    time.sleep(0.05)
    assert time.monotonic() - began >= 0.05
    total = mpc.sum(mpc.input(secint(mpc.pid + 1)))
    product = mpc.prod(mpc.input(secint(mpc.pid + 2)))
    print("total", await mpc.output(total), "product", await mpc.output(product))
    await mpc.shutdown()

mpc.run(main())
`;

test(
  "WebCrypto makes the same vectors as the native primitives, and keeps their promises",
  async () => {
    const paths = [
      "tests/unit/identity/test_vectors.py",
      "tests/unit/ceremony/vectors.py",
      ...["ceremony", "identity", "links", "short_code"].map((name) => `tests/vectors/${name}.json`),
      "web/tests/vectors.py",
    ];
    const files = Object.fromEntries(
      await Promise.all(paths.map(async (path) => [path, await readFile(join(ROOT, path), "utf8")] as const)),
    );
    const page = await browser.context.newPage();
    try {
      await page.goto(core.url);
      const problems = await page.evaluate(async (files) => {
        const blob = async (place: string): Promise<Blob> => (await fetch(place)).blob();
        const [wasm, stdlib, site, memory] = await Promise.all(
          ["pyodide.asm.wasm", "python_stdlib.zip", "site.zip", "python-memory.bin"].map(blob),
        );
        const worker = new Worker("vectors-worker.js");
        return new Promise<unknown>((resolve) => {
          worker.onmessage = (event) => resolve(event.data);
          worker.postMessage({ assets: { wasm, stdlib, site, memory }, files });
        });
      }, files);
      expect(problems).toBe("");
    } finally {
      await page.close();
    }
  },
);

test(
  "somebody new in a browser joins a native host: the same words, the right result, and nobody is kept",
  async () => {
    const source = join(home, "total.py");
    await writeFile(source, TOTAL);
    const args = ["host", "--json", "--open", "-M", "2", "--name", "Ann", "--rendezvous", meeting.url, source];
    const host = new Native(home, args);
    const tab = await Tab.open(browser.context, core.url, meeting.url);
    try {
      const { url } = await host.events.until("invitation");
      await tab.send({ do: "join", name: "Ben", invitation: url, pseudonym: true });
      const { did } = await tab.events.until("ready");
      const ben = await host.events.until("party", (event) => event.name === "Ben");
      expect(ben.did).toMatch(/^did:key:/);
      expect(ben.did).not.toBe(did);
      const [here, there] = await Promise.all([tab.events.until("words"), host.events.until("words")]);
      expect(here.words).toEqual(there.words);
      const ends = await Promise.all([tab.events.until("ended"), host.events.until("ended")]);
      expect(ends.map((end) => end.clean)).toEqual([true, true]);
      expect(tab.events.output).toContain("total 3 product 6");
      expect((await tab.events.until("kept")).contacts).toBe("");
      expect(await host.exited).toBe(0);
    } finally {
      host.end();
      await tab.page.close();
    }
  },
);

test(
  "three tabs alone, one of them the host, who runs the program twice",
  async () => {
    let again = true;
    const host = await Tab.open(browser.context, core.url, meeting.url, (_tab, event) => {
      if (event.event !== "question") return undefined;
      if (event.what === "admit") return { do: "admit", did: event.did };
      if (event.what !== "again") return { do: "accept" };
      const decision = again ? ({ do: "again" } as const) : ({ do: "finish" } as const);
      again = false;
      return decision;
    });
    // One browser is one person: the others come with identities of their own.
    const others = await Promise.all([launch(), launch()]);
    const tabs = [host];
    try {
      for (const { context } of others) tabs.push(await Tab.open(context, core.url, meeting.url));
      await host.send({ do: "host", name: "Ann", parties: 3, stay: true, program: program(TOTAL) });
      const { url } = await host.events.until("invitation");
      await Promise.all(
        tabs.slice(1).map((tab, index) => tab.send({ do: "join", name: ["Ben", "Cem"][index], invitation: url })),
      );
      const words = await Promise.all(tabs.map((tab) => tab.events.until("words")));
      expect(new Set(words.map((said) => said.words.join(" "))).size).toBe(1);
      const ends = await Promise.all(tabs.map((tab) => tab.events.until("ended")));
      expect(ends.map((end) => end.clean)).toEqual([true, true, true]);
      for (const tab of tabs) expect(tab.events.output.match(/total 6 product 24/g)).toHaveLength(2);
    } finally {
      for (const tab of tabs) await tab.page.close();
      await Promise.all(others.map((other) => other.close()));
    }
  },
);

test(
  "a program in a browser reaches neither network nor storage; what it leaves behind is shown",
  async () => {
    const source = join(home, "probe.py");
    await writeFile(source, probe());
    const host = new Native(home, [
      ...["host", "--json", "--open", "-M", "2", "--name", "Ann", "--rendezvous", meeting.url],
      ...[source, meeting.url],
    ]);
    const tab = await Tab.open(browser.context, core.url, meeting.url);
    try {
      const { url } = await host.events.until("invitation");
      await tab.send({ do: "join", name: "Ben", invitation: url });
      await tab.events.until("ended");
      expect(tab.events.output).toContain("sum 6");
      expect(reached(tab.events.output), tab.events.output).toEqual([]);
      const { files } = await tab.events.until("written");
      expect(Object.keys(files)).toEqual(["left.txt"]);
    } finally {
      host.end();
      await tab.page.close();
    }
  },
);

/** Says what it likes to its supervisor, by what its runner left within reach. */
const LIES = `
import gc, os, sys
from mpyc.runtime import mpc

async def main():
    await mpc.start()
    if sys.platform == "emscripten":
        frame = sys._getframe()
        while "task" not in frame.f_locals:
            frame = frame.f_back
        frame.f_locals["task"].report('{"exit": "stop", "reason": "", "peer": null}')
    await mpc.output(mpc.input(mpc.SecInt()(3)))
    await mpc.shutdown()

mpc.run(main())
`;

/** Prints without end and without a line's end. */
const FLOODS = `
import sys
from mpyc.runtime import mpc

async def main():
    await mpc.start()
    while sys.platform == "emscripten":
        print(end="x" * 60_000, flush=True)
    await mpc.output(mpc.input(mpc.SecInt()(3)))
    await mpc.shutdown()

mpc.run(main())
`;

test(
  "a program that lies to its supervisor ends its own run, and is named",
  async () => {
    const source = join(home, "lies.py");
    await writeFile(source, LIES);
    const host = new Native(home, ["host", "--json", "--open", "-M", "2", "--name", "Ann", "--rendezvous", meeting.url, source]);
    const tab = await Tab.open(browser.context, core.url, meeting.url);
    try {
      await tab.send({ do: "join", name: "Ben", invitation: (await host.events.until("invitation")).url });
      const failed = await tab.events.until("run", (event) => event.state === "failed");
      expect(failed).toMatchObject({ whose: "program", reason: "the program failed: it sent its supervisor something other than reports" });
      const there = await host.events.until("run", (event) => event.state === "failed");
      expect(there.peer).toBe("Ben");
    } finally {
      host.end();
      await tab.page.close();
    }
  },
);

test(
  "a program that prints without end waits for the page, and its person can stop it",
  async () => {
    const source = join(home, "floods.py");
    await writeFile(source, FLOODS);
    const host = new Native(home, ["host", "--json", "--open", "-M", "2", "--name", "Ann", "--rendezvous", meeting.url, source]);
    const tab = await Tab.open(browser.context, core.url, meeting.url);
    try {
      await tab.send({ do: "join", name: "Ben", invitation: (await host.events.until("invitation")).url });
      await tab.events.until("output", (event) => event.text.startsWith("xxx"));
      // A page that has no time shows nothing, and is told no more than a few pieces ahead.
      const came = await tab.page.evaluate(async () => {
        let came = 0;
        const { session } = globalThis as unknown as { session: { subscribe(listener: (event: { event: string }) => void): void } };
        session.subscribe((event) => (came += Number(event.event === "output")));
        const end = performance.now() + 3_000;
        while (performance.now() < end);
        const busy = came;
        await new Promise((resolve) => setTimeout(resolve, 20));
        return came - busy;
      });
      expect(came).toBeGreaterThan(0);
      await tab.send({ do: "stop_run" });
      await tab.events.until("run", (event) => event.state === "failed" && event.reason === "You stopped the run.");
      await host.events.until("run", (event) => event.state === "failed" && event.peer === "Ben");
      const lost = host.events.all.filter((event) => event.event === "party" && ["silent", "gone"].includes(event.state));
      expect(lost).toEqual([]);
    } finally {
      host.end();
      await tab.page.close();
    }
  },
);

test(
  "numpy that a terminal has and a browser can't get is used by neither",
  async () => {
    const elements = join(ROOT, "tests/programs/elements.py");
    const host = new Native(home, ["host", "--json", "--open", "-M", "2", "--name", "Ann", "--rendezvous", meeting.url, elements]);
    const tab = await Tab.open(browser.context, core.url, meeting.url);
    try {
      const { url } = await host.events.until("invitation");
      await tab.send({ do: "join", name: "Ben", invitation: url });
      await Promise.all([tab.events.until("ended"), host.events.until("ended")]);
      for (const { output } of [tab.events, host.events]) expect(output).toContain("total: 6, numpy: False");
      await host.events.until("notice", (event) => event.text.startsWith("Ben can't use numpy"));
    } finally {
      host.end();
      await tab.page.close();
    }
  },
);

const ENDLESS = `
from mpyc.runtime import mpc
print(input("name? "), flush=True)
while True:
    pass
`;

test(
  "a program gets what is typed; one that never ends is stopped, and named to the others",
  async () => {
    const source = join(home, "endless.py");
    await writeFile(source, ENDLESS);
    const args = ["host", "--json", "--open", "-M", "2", "--name", "Ann", "--rendezvous", meeting.url, source];
    const host = new Native(home, args);
    const tab = await Tab.open(browser.context, core.url, meeting.url);
    try {
      const { url } = await host.events.until("invitation");
      await tab.send({ do: "join", name: "Ben", invitation: url });
      await tab.events.until("input", (event) => event.waiting);
      await tab.send({ do: "type_line", line: "Ben's own" });
      await tab.events.until("output", (event) => event.text.includes("Ben's own"));
      await tab.send({ do: "stop_run" });
      const failed = await tab.events.until("run", (event) => event.state === "failed");
      expect(failed.reason).toBe("You stopped the run.");
      const named = await host.events.until("run", (event) => event.state === "failed");
      expect(named.peer).toBe("Ben");
    } finally {
      host.end();
      await tab.page.close();
    }
  },
);
