/** The network relay between browsers and a terminal: its connections are cut, and lied on, in the middle of a run. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Native, Tab, coreAndRendezvous, people } from "./browser";
import { GoesOn } from "./direct";
import { proxy, type Proxy } from "./proxy";

/** The way to a rendezvous, on which the connections of its relay can be cut and changed. */
class Way {
  private readonly relayed = new Set<Socket>();
  private lies = 0;

  join(near: Socket, far: Socket): void {
    let first = true;
    near.on("data", (data: Buffer) => {
      if (first && data.includes("/v1/relay/")) this.relayed.add(near);
      first = false;
      far.write(data);
    });
    let answered = false;
    far.on("data", (data: Buffer) => {
      // Not the head of a record, so that nothing but its tag tells.
      if (answered && this.lies > 0 && data.length > 40 && this.relayed.has(near)) {
        this.lies--;
        data[data.length - 20]! ^= 1;
      }
      answered = true;
      near.write(data);
    });
    far.on("close", () => near.destroy());
    near.on("close", () => this.relayed.delete(near));
  }

  /** Cut what is relayed now; how many connections that were. */
  cut(): number {
    const cut = [...this.relayed];
    for (const near of cut) near.destroy();
    return cut.length;
  }

  /** Change so many messages of a relay from now on. */
  lie(times: number): void {
    this.lies = times;
  }

  get liedOut(): boolean {
    return this.lies === 0;
  }
}

let core: { url: string; server: Server };
let meeting: { url: string; end: () => void };
const way = new Way();
let proxied: Proxy;
let chromium: { contexts: BrowserContext[]; close: () => Promise<void> };
let home: string;

beforeAll(async () => {
  [[core, meeting], chromium] = await Promise.all([coreAndRendezvous(), people(2)]);
  proxied = await proxy(meeting.url, (near, far) => way.join(near, far));
  home = await mkdtemp(join(tmpdir(), "huddle-home-"));
});

afterAll(async () => {
  await chromium.close();
  way.cut();
  proxied.close();
  core.server.close();
  meeting.end();
  await rm(home, { recursive: true, maxRetries: 10 });
});

/** Rounds until the person of party 0 has had enough of them, and now and then something longer than a record. */
const ROUNDS = `
from mpyc.runtime import mpc

async def main():
    secint = mpc.SecInt(64)
    await mpc.start()
    total, step = 0, 0
    more = [True]
    while more[0]:
        step += 1
        total += int(await mpc.output(mpc.sum(mpc.input(secint(step)))))
        if step % 500 == 0:
            sent = await mpc.transfer(bytes([mpc.pid]) * 300_000)
            assert all(one == bytes([pid]) * 300_000 for pid, one in enumerate(sent))
            more = await mpc.transfer(mpc.pid > 0 or input("Go on? ") == "y")
            print("step", step, flush=True)
    print("total", total, "of", step, flush=True)
    await mpc.shutdown()

mpc.run(main())
`;

test(
  "two tabs and a terminal by relay alone: connections that are cut, and records that are changed, lose no byte and no run",
  async () => {
    const local = { networks: ["relay"] };
    const person = new GoesOn();
    const [ann, ben] = (await Promise.all(chromium.contexts.map((context) => Tab.open(context, core.url, proxied.url, person.react)))) as [Tab, Tab];
    let tom: Native | undefined;
    try {
      const [source, program] = [join(home, "program.py"), { entry: "program.py", files: { "program.py": ROUNDS }, args: [] }];
      await writeFile(source, ROUNDS);
      await ann.send({ do: "host", name: "Ann", parties: 3, program, ...local });
      const { url: link } = await ann.events.until("invitation");
      await ben.send({ do: "join", name: "Ben", invitation: link, ...local });
      tom = new Native(home, ["join", "--json", "--yes", "--program", source, "--name", "Tom", "--network", "relay", link]);
      const everybody = [ann.events, ben.events, tom.events];
      const step = (number: number): Promise<unknown> => ann.events.until("output", ({ text }) => text.includes(`step ${number}\n`));

      await step(500);
      expect(way.cut()).toBeGreaterThanOrEqual(6);
      await step(1000);
      way.lie(3);
      const changed = (): boolean => everybody.some(({ all }) => all.some((event) => event.event === "reconnect" && /record \d+ was changed/.test(event.reason ?? "")));
      await expect.poll(changed).toBe(true);
      expect(way.liedOut).toBe(true);
      way.cut();
      person.enough();

      for (const one of everybody) {
        const end = await one.until("run", ({ state }) => ["finished", "failed"].includes(state));
        expect(end, JSON.stringify(end)).toMatchObject({ state: "finished" });
        const [, total, steps] = /total (\d+) of (\d+)/.exec(one.output) ?? [];
        expect(Number(total)).toBe((3 * Number(steps) * (Number(steps) + 1)) / 2);
      }
      for (const one of everybody) expect(await one.until("ended")).toMatchObject({ clean: true });
    } finally {
      tom?.end();
      await Promise.all([ann.page.close(), ben.page.close()]);
    }
  },
);
