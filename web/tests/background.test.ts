/**
 * A tab behind another one goes on computing: measured, with `HUDDLE_MEASURE=1 npx vitest run tests/background.test.ts`,
 * which needs Xvfb, because without a screen no tab is ever hidden. Chromium's throttling of background tabs is on, and at
 * its strictest from the first second instead of after five minutes.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import puppeteer from "puppeteer-core";
import { expect, test } from "vitest";
import { ARGS, CHROMIUM, Native, ROOT, Tab, coreAndRendezvous } from "./browser";

const FIGURES = ["output_ms", "multiplication_ms"] as const;

/** A screen that nobody sees; its display's number. */
async function screen(): Promise<{ display: string; process: ChildProcess }> {
  const process = spawn("Xvfb", ["-displayfd", "1", "-screen", "0", "1280x800x24"], { stdio: ["ignore", "pipe", "ignore"] });
  const [number] = (await once(process.stdout!, "data")) as [Buffer];
  return { display: `:${number.toString().trim()}`, process };
}

test.runIf(process.env["HUDDLE_MEASURE"])(
  "rounds of a native party with a tab that is seen, then hidden",
  async () => {
    const [[core, meeting], { display, process: xvfb }] = await Promise.all([coreAndRendezvous(), screen()]);
    const [home, profile] = await Promise.all(["home", "chromium"].map((name) => mkdtemp(join(tmpdir(), `huddle-${name}-`))));
    // Not Playwright, which has every page believe that it is in front.
    const chromium = await puppeteer.launch({
      executablePath: CHROMIUM,
      headless: false,
      userDataDir: profile!,
      env: { ...process.env, DISPLAY: display },
      ignoreDefaultArgs: ["--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding"],
      args: [...ARGS, "--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1"],
    });
    // What a `Tab` does with pages is the same in both.
    const context = chromium as unknown as BrowserContext;
    try {
      for (const network of ["webrtc", "relay"] as const) {
        for (const hidden of [false, true]) {
          const program = join(ROOT, "bench/programs/rounds.py");
          const common = ["--json", "--network", network, "--rendezvous", meeting.url];
          const host = new Native(join(home!, "Ann"), ["host", ...common, "--open", "-M", "3", "--name", "Ann", program]);
          const tab = await Tab.open(context, core.url, meeting.url);
          const other = hidden ? await context.newPage() : undefined;
          await (other ?? tab.page).bringToFront();
          await expect.poll(() => tab.page.evaluate("document.visibilityState")).toBe(hidden ? "hidden" : "visible");
          const { url } = await host.events.until("invitation");
          const guest = new Native(join(home!, "Cem"), ["join", ...common, "--yes", "--name", "Cem", "--program", program, url]);
          await tab.send({ do: "join", name: "Ben", invitation: url, networks: [network] });
          expect(await host.events.until("ended")).toMatchObject({ clean: true });
          const line = host.events.output.split("\n").find((one) => one.startsWith("{"));
          const found = JSON.parse(line!) as Record<string, number>;
          console.log(network, hidden ? "hidden" : "visible", ...FIGURES.map((name) => `${name} ${found[name]}`));
          await Promise.all([tab.page.close(), other?.close(), guest.exited]);
        }
      }
    } finally {
      await chromium.close();
      xvfb.kill();
      core.server.close();
      await meeting.end();
      await Promise.all([home!, profile!].map((place) => rm(place, { recursive: true, force: true })));
    }
  },
  600_000,
);
