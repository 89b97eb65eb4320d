/** For tests of direct channels: a program of many rounds, and a look into runners' frames, whoever drives the browser. */

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

export const program = (source: string, ...args: string[]): unknown => ({ entry: "program.py", files: { "program.py": source }, args });

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
