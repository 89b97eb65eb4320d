/**
 * Figures of three parties in one Chromium, as JSON lines: HUDDLE_MEASURE=1 npx vitest run tests/measure.test.ts
 *
 * `ready` is from the opening of the page to the worker's `ready`, in a fresh profile and once more.
 */
import type { BrowserContext } from "playwright-core";
import { expect, test } from "vitest";
import { Tab, launch, rendezvous, serveCore } from "./browser";

const ROUNDS = `
import statistics, time
from mpyc.runtime import mpc

async def main():
    secfld = mpc.SecFld(2**31 - 1)
    await mpc.start()
    a, b = secfld(3), secfld(4)
    for name, step in (("output", lambda: mpc.output(a)), ("multiplication", lambda: mpc.gather(a * b))):
        await mpc.barrier()
        times = []
        for _ in range(200):
            began = time.perf_counter()
            await step()
            times.append(time.perf_counter() - began)
        print(f"{name} {statistics.median(times) * 1000:.2f}", flush=True)
    await mpc.shutdown()

mpc.run(main())
`;

async function ready(context: BrowserContext, url: string, meeting: string): Promise<[Tab, number]> {
  const began = performance.now();
  const tab = await Tab.open(context, url, meeting);
  await tab.events.until("ready");
  return [tab, (performance.now() - began) / 1000];
}

test.runIf(process.env["HUDDLE_MEASURE"])(
  "figures",
  async () => {
    const [core, meeting] = await Promise.all([serveCore(), rendezvous()]);
    const browsers = await Promise.all([launch(), launch(), launch()]);
    const say = (figure: string, value: number): void => console.log(JSON.stringify({ figure, value }));
    try {
      const [first, cold] = await ready(browsers[0]!.context, core.url, meeting.url);
      say("ready, first visit, s", cold);
      await first.page.close();
      const [host, warm] = await ready(browsers[0]!.context, core.url, meeting.url);
      say("ready, second visit, s", warm);
      const tabs = [host];
      for (const { context } of browsers.slice(1)) tabs.push((await ready(context, core.url, meeting.url))[0]);
      const program = { entry: "rounds.py", files: { "rounds.py": ROUNDS }, args: [] };
      await host.send({ do: "host", name: "Ann", parties: 3, program });
      const { url } = await host.events.until("invitation");
      for (const [index, tab] of tabs.slice(1).entries())
        await tab.send({ do: "join", name: ["Ben", "Cem"][index], invitation: url });
      expect((await host.events.until("ended")).clean).toBe(true);
      for (const [, name, value] of host.events.output.matchAll(/^(output|multiplication) ([\d.]+)$/gm))
        say(`${name} round over the relay, p50, ms`, Number(value));
    } finally {
      await Promise.all(browsers.map((browser) => browser.close()));
      core.server.close();
      meeting.end();
    }
  },
  300_000,
);
