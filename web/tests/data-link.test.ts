/** Data links between the ports of two runners, over channels that are cut, full or none. */
import { expect, test } from "vitest";
import { DataLink, type Channel } from "../src/core/data-link";
import { END, control, joined, scan, type Bytes } from "../src/core/frames";
import { WINDOW } from "../src/core/link";
import { CREDIT, Mailbox } from "../src/core/mailbox";

const [ONLINE, OVER, FAILED, ENDED, WRITTEN, FOUL] = [1, 3, 4, 5, 6, 7];

function frame(payload: number, depth = 1): Bytes {
  const made = new Uint8Array(8 + payload);
  const view = new DataView(made.buffer);
  view.setUint32(0, (1 << 24) | payload);
  view.setUint32(4, depth);
  return made.fill(payload % 251, 8);
}

/** As much of a data channel as a link uses; `other` gets what is sent. */
class FakeChannel implements Channel {
  other: FakeChannel | undefined;
  private sink: ((data: ArrayBuffer) => void) | undefined;

  send(data: Bytes): void {
    const copy = data.slice().buffer;
    queueMicrotask(() => this.other?.sink?.(copy));
  }

  divert(sink: (data: ArrayBuffer) => void): void {
    this.sink = sink;
  }
}

/** One party: its link, the runner's end of the port, and what that got. */
class Side {
  readonly box = new Mailbox();
  readonly link: DataLink;
  readonly port: MessagePort;
  got: Bytes[] = [];
  taken = 0;
  takes = true;
  private readonly notes: unknown[] = [];

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.link = new DataLink(this.box, port1);
    this.port = port2;
    port2.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === "number") this.taken += data;
      if (!(data instanceof ArrayBuffer)) return;
      this.got.push(new Uint8Array(data));
      if (this.takes) port2.postMessage(data.byteLength);
    };
  }

  get size(): number {
    return this.got.reduce((sum, data) => sum + data.length, 0);
  }

  write(data: Bytes): void {
    const { buffer } = data.slice();
    this.port.postMessage(buffer, [buffer]);
  }

  has(kind: number): boolean {
    const taken = this.box.take() ?? [];
    for (let at = 0; at < taken.length; at += 3) this.notes.push(taken[at + 1]);
    return this.notes.includes(kind);
  }

  sent(): number {
    return this.link.stats()[0]!;
  }
}

async function until(ready: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2_000; tries++) {
    if (ready()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error("it never happened");
}

function connect(one: Side, other: Side): [FakeChannel, FakeChannel] {
  const [mine, theirs] = [new FakeChannel(), new FakeChannel()];
  mine.other = theirs;
  theirs.other = mine;
  one.link.attach(mine);
  other.link.attach(theirs);
  one.link.divert();
  other.link.divert();
  return [mine, theirs];
}

test("what runners write arrives whole and once, though the wire is cut in the middle", async () => {
  const [one, other] = [new Side(), new Side()];
  const all: Bytes[] = [];
  let channels = connect(one, other);
  for (let round = 0; round < 40; round++) {
    const data = joined([frame(1 + round, round), frame(60_000)]);
    all.push(data);
    one.write(data);
    other.write(frame(3));
    if (round % 10 === 5) {
      await until(() => other.got.length > 0);
      for (const channel of channels) channel.other = undefined;
      one.link.detach();
      other.link.detach();
      channels = connect(one, other);
    }
  }
  one.write(control(END));
  other.write(control(END));
  await until(() => one.has(ENDED) && other.has(ENDED));
  const wanted = joined([...all, control(END)]);
  await until(() => other.size === wanted.length);
  expect(Buffer.compare(joined(other.got), wanted)).toBe(0);
  expect(one.has(WRITTEN) && one.has(ONLINE)).toBe(true);
  expect(one.link.stats().slice(0, 5)).toEqual([wanted.length, 40 * 11 + 8, 80, 40, 39]);
  one.link.finish();
  other.link.finish();
  await until(() => one.has(OVER) && other.has(OVER));
});

test("a runner is held up while the link's window is full, and one write may be far larger", async () => {
  const [one, other] = [new Side(), new Side()];
  const block = joined(Array.from({ length: 200 }, () => frame(65_536)));
  one.write(block);
  await until(() => one.sent() >= WINDOW);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(one.sent()).toBeLessThan(WINDOW + (1 << 19));
  other.takes = false;
  connect(one, other);
  // The other runner takes nothing: its credit, and then the window, is all that goes.
  await until(() => other.size >= CREDIT);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(other.size).toBeLessThan(CREDIT + (1 << 19));
  other.takes = true;
  other.port.postMessage(other.size);
  await until(() => other.size === block.length);
  expect(one.taken).toBeGreaterThan(block.length - (1 << 17));
  expect(Buffer.compare(joined(other.got), block)).toBe(0);
});

test.each([
  ["bytes that are no frames", new Uint8Array([9, 9, 9, 9, 9, 9, 9, 9])],
  ["a frame of a wire", control(17, 0)],
])("a program that sends %s is told of, and the peer gets END", async (_, data) => {
  const [one, other] = [new Side(), new Side()];
  connect(one, other);
  one.write(frame(5));
  one.write(data);
  await until(() => one.has(FOUL) && other.has(ENDED));
  await until(() => other.size === 21);
  expect(scan(joined(other.got))).toMatchObject({ messages: 1, ended: true });
});

test.each([
  ["hangs up", null],
  ["sends something else than bytes", "text"],
])("where a runner %s, the peer gets what it wrote before, and END", async (_, message) => {
  const [one, other] = [new Side(), new Side()];
  connect(one, other);
  one.write(frame(5));
  one.write(frame(30).subarray(0, 20));
  one.port.postMessage(message);
  await until(() => one.link.hungUp && other.has(ENDED));
  await until(() => other.size === 21);
});

test("a runner that is gone leaves what it wrote, even behind a full window, unless its run has failed", async () => {
  for (const well of [true, false]) {
    const [one, other] = [new Side(), new Side()];
    const block = joined(Array.from({ length: 140 }, () => frame(65_536)));
    one.write(block);
    await until(() => one.sent() >= WINDOW);
    one.link.cut();
    one.link.drain(well);
    connect(one, other);
    await until(() => other.has(ENDED));
    const all = block.length + 8;
    if (well) await until(() => other.size === all);
    else expect(other.size).toBeLessThan(all);
  }
});

test("a peer that breaks the protocol is named, and nothing more is taken of it", async () => {
  const one = new Side();
  one.link.attach(new FakeChannel());
  one.link.receive(frame(4));
  await until(() => one.has(FAILED));
  one.link.receive(control(END));
  expect(one.got).toEqual([]);
});
