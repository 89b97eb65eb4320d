/** For tests of direct channels: programs of many rounds, and a look into runners' frames, whoever drives the browser. */
import { expect } from "vitest";
import type { Decision, SessionEvent } from "../src/core/protocol";
import { agreeable, type Tab } from "./browser";
import type { FirefoxPerson } from "./firefox";

/** An init script by which a document's connections can be counted, and lost as by a network that goes away. */
export const COUNTED = `globalThis.connections = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args) { super(...args); connections.push(this); }
  };`;

/** For so many seconds: rounds, in each of which what came is compared with what was sent. */
export const ROUNDS = `
import sys
import time
from mpyc.runtime import mpc

async def main():
    await mpc.start()
    print("started", flush=True)
    step = 0
    end = time.monotonic() + float(sys.argv[1])
    while True:
        step += 1
        data = bytes([step % 256, mpc.pid]) * (1 + step % 7 * step % 2000)
        got = await mpc.transfer(data)
        for pid, one in enumerate(got):
            assert one == bytes([step % 256, pid]) * (1 + step % 7 * step % 2000), (step, pid)
        if step % 50 == 0:
            on = await mpc.transfer(time.monotonic() < end)
            print("step", step, flush=True)
            if not on[0]:
                break
    print("through", step, await mpc.output(mpc.sum(mpc.input(mpc.SecInt()(mpc.pid + 1)))), flush=True)
    await mpc.shutdown()

mpc.run(main())
`;

/** Rounds until the person of party 0 has had enough; then one computes for longer than a wire may be silent, says when, and they go on. */
export const BUSY = ROUNDS.replace(
  '    print("started", flush=True)\n',
  `    print("started", flush=True)
    more = [True]
    while more[0]:
        for _ in range(50):
            await mpc.transfer(b"x" * 100)
        more = await mpc.transfer(mpc.pid > 0 or input("Go on? ") == "y")
    if mpc.pid == 1:
        print("busy", flush=True)
        busy = time.monotonic() + float(sys.argv[2])
        while time.monotonic() < busy:
            pass
        print("no longer", flush=True)
`,
);

/** One waits for its person, after such rounds. */
export const ASKS = BUSY.replace(/busy = [^]*?pass\n/, 'print("got", input("Go on? "), flush=True)\n');

/** Rounds until the person of party 0 has had enough of them, however slow the machine is. */
export const UNTIL = ROUNDS.replace("time.monotonic() < end", 'mpc.pid > 0 or input("Go on? ") == "y"');

export const program = (source: string, ...args: string[]): unknown => ({ entry: "program.py", files: { "program.py": source }, args });

/** Lets everybody in and accepts, and stays when a run has failed. */
export const patient = (tab: Tab, event: SessionEvent): Decision | undefined =>
  event.event === "question" && event.what === "again" ? undefined : agreeable(tab, event);

/** Somebody who is asked "Go on?" by `BUSY`, `ASKS` or `UNTIL`: "y", until it was `enough`. What a program asks after that is left to the test. */
export class GoesOn {
  private over = false;
  private done = false;
  readonly react = (tab: Tab, event: SessionEvent): Decision | undefined => {
    if (event.event !== "input" || !event.waiting) return patient(tab, event);
    if (this.done) return undefined;
    this.done = this.over;
    return { do: "type_line", line: this.over ? "n" : "y" };
  };

  enough(): void {
    this.over = true;
  }
}

/** Seconds after which a party is gone: far more than a machine with much to do keeps one from its heartbeat. */
export const GRACE = 120;

/** A session of two tabs, by these networks. */
export async function meet([ann, ben]: [Tab, Tab], proposed: unknown, networks = ["webrtc"], grace = GRACE): Promise<void> {
  const local = { networks, stay: true, grace };
  await ann.send({ do: "host", name: "Ann", parties: 2, program: proposed, ...local });
  const { url } = await ann.events.until("invitation");
  await ben.send({ do: "join", name: "Ben", invitation: url, ...local });
}

/** The run is over, and went well for all. */
export async function over(tabs: Tab[], run = 1): Promise<void> {
  for (const tab of tabs) {
    const end = await tab.events.until("run", (event) => event.run === run && ["finished", "failed"].includes(event.state));
    expect(end, tab.said).toMatchObject({ state: "finished" });
  }
}

/** Until all are through with one of the programs above, as each says. */
export async function through(tabs: Tab[]): Promise<void> {
  await over(tabs);
  for (const tab of tabs) expect(tab.events.output).toMatch(/through \d+ 3/);
}

export async function closed(tabs: Tab[]): Promise<void> {
  await Promise.all(tabs.map((tab) => tab.page.close()));
}

/** Firefox's session, which lets everybody in, accepts, and answers "y" until there is `enough`; what it was told is kept in its page. */
const FIREFOX_HOSTS = (rendezvous: string, told: unknown): string => `(async () => {
  while (!globalThis.core) await new Promise((done) => setTimeout(done, 50));
  globalThis.told = [];
  const session = core.openSession(${JSON.stringify(rendezvous)});
  session.subscribe((event) => {
    told.push("files" in event ? { event: event.event } : event);
    if (event.event === "input" && event.waiting) session.send({ do: "type_line", line: globalThis.enough ? "n" : "y" });
    if (event.event !== "question") return;
    session.send(event.what === "admit" ? { do: "admit", did: event.did } : { do: event.what === "again" ? "finish" : "accept" });
  });
  const said = ${JSON.stringify(told)};
  for (const [path, text] of Object.entries(said.program.files)) said.program.files[path] = new TextEncoder().encode(text);
  session.send(said);
})()`;

/** Somebody in Firefox hosts a session of two by webrtc; its invitation. */
export async function hostsInFirefox(fay: FirefoxPerson, rendezvous: string, proposed: unknown): Promise<string> {
  await fay.page.reload();
  await fay.page.evaluate(FIREFOX_HOSTS(rendezvous, { do: "host", name: "Fay", parties: 2, program: proposed, networks: ["webrtc"], grace: GRACE }));
  const { url } = await firefoxTold(fay, "event.event === 'invitation'");
  return url!;
}

/** The first such event of Firefox's session. */
export async function firefoxTold(fay: FirefoxPerson, which: string): Promise<Record<string, string>> {
  const found = await fay.page.waitForFunction(`JSON.stringify(told.find((event) => ${which}))`, { polling: 100 });
  return JSON.parse(String(await found.jsonValue())) as Record<string, string>;
}

/** All that the program wrote in Firefox. */
export const firefoxOutput = async (fay: FirefoxPerson): Promise<string> =>
  String(await fay.page.evaluate("told.filter((event) => event.event === 'output').map((event) => event.text).join('')"));

/**
 * In a frame: its own channel stays here, and `sends` is done with it; its worker is given another that leads nowhere.
 * `flooded` is how many bytes were sent.
 */
const hostile = (sends: string): string => `{
  const real = RTCPeerConnection.prototype.createDataChannel;
  globalThis.flooded = 0;
  const frame = (kind, length, payload = length) => {
    const made = new Uint8Array(8 + payload);
    new DataView(made.buffer).setUint32(0, kind * 2 ** 24 + length);
    new DataView(made.buffer).setUint32(4, 1);
    return made;
  };
  RTCPeerConnection.prototype.createDataChannel = function (...args) {
    const channel = real.call(this, ...args);
    channel.onopen = () => { ${sends} };
    return real.call(new RTCPeerConnection(), "nowhere");
  };
}`;

/** It sends frames without end, once and for as long as `flooding` is not false. */
export const FLOOD = hostile(`const block = frame(1, 65_536);
setInterval(() => {
  while (globalThis.flooding !== false && channel.readyState === "open" && channel.bufferedAmount < 1 << 20) {
    channel.send(block);
    flooded += block.length;
  }
}, 5)`);

/** What a lying peer sends on a direct channel, and what it is blamed for. */
export const LIES: [string, string, string][] = [
  ["a frame that is too long", "channel.send(frame(1, 65_537))", "no frame starts with 0x01010001"],
  ["half a frame", "channel.send(frame(1, 1_000, 500))", "what came directly is no data"],
  ["that it has taken what it never got", 'channel.send("hello"); channel.send("1000000000000")', "it has taken what it never got"],
  ["hello twice", 'channel.send("hello"); channel.send("hello")', "it says hello twice"],
];

/** That lie, for a frame. */
export const lying = (lie: string): string => hostile(lie);

/** It takes each connection down as soon as it is open, in the middle of a frame. */
export const CUT_SHORT = hostile("channel.send(frame(1, 65_536)); this.close()");

/** The UDP ports of the connections that a page's frames have now. */
export const ports = async (page: Framed): Promise<number[]> => {
  const found: number[] = [];
  for (const frame of page.frames().slice(1)) found.push(...((await frame.evaluate(PORTS)) as number[]));
  return found;
};

const PORTS = `(async () => {
  const found = [];
  for (const pc of globalThis.connections ?? [])
    if (pc.connectionState === "connected")
      for (const one of (await pc.getStats()).values()) if (one.type === "local-candidate" && one.protocol === "udp") found.push(one.port);
  return found;
})()`;

interface Evaluating {
  evaluate(script: string): Promise<unknown>;
}
interface Framed {
  frames(): Evaluating[];
}

const sum = async (page: Framed, script: string): Promise<number> => {
  let all = 0;
  for (const frame of page.frames().slice(1)) all += Number(await frame.evaluate(script));
  return all;
};

/** Runs a script in the frame of a page's runner, once it is there. */
export async function inFrame(page: Framed, script: string): Promise<void> {
  await expect.poll(() => page.frames().length).toBe(2);
  await page.frames()[1]!.evaluate(script);
}

/** Bytes that the frames of a page have sent. */
export const directly = (page: Framed): Promise<number> =>
  sum(
    page,
    `(async () => {
      let sum = 0;
      for (const pc of globalThis.connections ?? [])
        for (const one of (await pc.getStats()).values()) if (one.type === "transport") sum += one.bytesSent ?? 0;
      return sum;
    })()`,
  );

/** Lose the connections of a page's frames. */
export async function cut(page: Framed): Promise<void> {
  await sum(page, "globalThis.connections?.forEach((one) => one.close()), 0");
}

/** Connections that were made in a page's frames. */
export const made = (page: Framed): Promise<number> => sum(page, "globalThis.connections?.length ?? 0");
