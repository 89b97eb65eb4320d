/** Two programs' streams over a data link and direct channels beside it, which come, are cut, and come again. */
import { afterEach, expect, test } from "vitest";
import { DataLink, MOST_UNHEARD } from "../src/core/data-link";
import { PeerStream, type DirectChannel } from "../src/core/direct-stream";
import { AWAY, BACK, END, control, joined, parts, scan, type Bytes } from "../src/core/frames";
import { WINDOW } from "../src/core/link";
import { CREDIT_STEP, Mailbox } from "../src/core/mailbox";
import type { RtcChannel } from "../src/core/rtc";

const [FAILED, ENDED, FOUL] = [4, 5, 7];

function frame(payload: number, depth = 1): Bytes {
  const made = new Uint8Array(8 + payload);
  const view = new DataView(made.buffer);
  view.setUint32(0, (1 << 24) | payload);
  view.setUint32(4, depth);
  return made.fill(payload % 251, 8);
}

/** Messages of two ends. */
class FakeChannel implements DirectChannel {
  binaryType: BinaryType = "arraybuffer";
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  readyState: RTCDataChannelState = "open";
  onopen = null;
  onmessage: ((this: RTCDataChannel, event: MessageEvent) => unknown) | null = null;
  onclose: ((this: RTCDataChannel, event: Event) => unknown) | null = null;
  onbufferedamountlow = null;
  other: FakeChannel | undefined;
  sent: (string | Bytes)[] = [];
  private readonly early: unknown[] = [];

  send(data: unknown): void {
    if (this.readyState !== "open") throw new DOMException("closed");
    const copy = typeof data === "string" ? data : (data as Bytes).slice();
    this.sent.push(copy);
    // Once it is cut, some of what is under way still arrives.
    const { other } = this;
    setTimeout(() => other?.hear(typeof copy === "string" ? copy : copy.buffer));
  }

  hear(data: unknown): void {
    if (!this.onmessage) {
      this.early.push(data);
      return;
    }
    for (const one of [...this.early.splice(0), data]) this.onmessage.call(null as never, { data: one } as MessageEvent);
  }

  close(): void {
    this.readyState = "closed";
  }
}

/** What the link's wire is. */
class Wire {
  other: Wire | undefined;
  said: Bytes[] = [];
  private sink: ((data: ArrayBuffer) => void) | undefined;

  send(data: Bytes): void {
    this.said.push(data.slice());
    const copy = data.slice().buffer;
    setTimeout(() => this.other?.sink?.(copy));
  }

  divert(sink: (data: ArrayBuffer) => void): void {
    this.sink = sink;
  }
}

class Side {
  readonly box = new Mailbox();
  readonly worker = new Mailbox();
  readonly link: DataLink;
  readonly stream: PeerStream;
  readonly wire = new Wire();
  /** Frames that wait until the stream takes them. */
  private readonly waiting: Bytes[] = [];
  readonly notes: unknown[] = [];
  got: Bytes[] = [];
  reads = true;
  /** Bytes that it reads at a time. */
  most = 1 << 18;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.link = new DataLink(this.box, port1);
    this.link.allowDirect();
    this.stream = new PeerStream(this.worker, port2);
    this.timer = setInterval(() => this.turn());
  }

  get size(): number {
    return this.got.reduce((sum, data) => sum + data.length, 0);
  }

  write(data: Bytes): void {
    this.waiting.push(data.slice());
  }

  get written(): boolean {
    return this.waiting.length === 0;
  }

  has(kind: number): boolean {
    return this.notes.includes(kind);
  }

  end(): void {
    clearInterval(this.timer);
    this.stream.close();
    this.link.abandon();
    this.link.close();
  }

  private turn(): void {
    while (this.waiting.length > 0 && this.stream.send(this.waiting[0]!)) this.waiting.shift();
    if (this.reads)
      for (let data = this.stream.read(this.most); data?.length; data = this.stream.read(this.most)) this.got.push(data as Bytes);
    const taken = this.box.take() ?? [];
    for (let at = 0; at < taken.length; at += 3) this.notes.push(taken[at + 1]);
  }
}

let sides: Side[] = [];
afterEach(() => {
  for (const side of sides) side.end();
});

function pair(): [Side, Side] {
  const [one, other] = [new Side(), new Side()];
  sides = [one, other];
  one.wire.other = other.wire;
  other.wire.other = one.wire;
  for (const side of sides) side.link.attach(side.wire as unknown as RtcChannel);
  for (const side of sides) side.link.divert();
  return [one, other];
}

function direct(one: Side, other: Side, number: number): [FakeChannel, FakeChannel] {
  const [mine, theirs] = [new FakeChannel(), new FakeChannel()];
  mine.other = theirs;
  theirs.other = mine;
  one.stream.direct(number, mine);
  other.stream.direct(number, theirs);
  return [mine, theirs];
}

/** Nothing that is under way arrives any more; each end hears of it in its own time. */
function cut(...channels: FakeChannel[]): void {
  for (const channel of channels) channel.other = undefined;
}

async function until(ready: () => boolean): Promise<void> {
  for (let tries = 0; tries < 5_000; tries++) {
    if (ready()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error("it never happened");
}

const bytes = (sent: FakeChannel): number =>
  sent.sent.reduce((sum, data) => sum + (typeof data === "string" ? 0 : data.length), 0);

test("what programs write goes by the direct channel, and none of it by the link", async () => {
  const [one, other] = pair();
  one.write(frame(1));
  await until(() => other.size === 9);
  const [mine] = direct(one, other, 1);
  await until(() => mine.sent.includes("hello") && one.wire.said.some((data) => parts(data.slice(0, 16)).some(({ kind }) => kind === AWAY)));
  for (let at = 0; at < 50; at++) one.write(frame(100 + at, at));
  await until(() => other.size === 9 + 50 * 108 + (49 * 50) / 2);
  expect(bytes(mine)).toBe(other.size - 9);
  // Told to the session worker now and then, and counted by it as what goes by the link.
  await until(() => one.link.stats()[2] === 51 && other.link.stats()[3] === 51);
  expect(one.link.stats()[0]).toBe(other.size + 16);
  expect(other.link.stats()[1]).toBe(other.size + 16);
  expect(other.link.stats()[4]).toBe(49);
});

test("no byte is lost, and none comes twice, whenever channels are cut, whoever notices first", async () => {
  const [one, other] = pair();
  const wanted = [[], []] as [Bytes[], Bytes[]];
  let number = 0;
  let channels = direct(one, other, ++number);
  let seed = 7;
  const random = (most: number): number => (seed = (seed * 16_807) % 2_147_483_647) % most;
  for (let round = 0; round < 400; round++) {
    for (const [at, side] of sides.entries()) {
      const data = joined(Array.from({ length: 1 + random(3) }, () => frame(1 + random(random(4) ? 200 : 60_000), random(99))));
      wanted[at]!.push(data);
      side.write(data);
      // Some programs compute now and then.
      side.reads = random(5) > 0;
      side.most = 1_000 + random(100_000);
    }
    if (random(3) === 0) await new Promise((resolve) => setTimeout(resolve, random(4)));
    if (random(12) > 0) continue;
    const known = number;
    cut(...channels);
    const order = random(2) ? [one, other] : [other, one];
    order[0]!.stream.lost(known);
    if (random(2)) await new Promise((resolve) => setTimeout(resolve, random(6)));
    order[1]!.stream.lost(known);
    if (random(4)) channels = direct(one, other, ++number);
  }
  for (const side of sides) side.reads = true;
  for (const side of sides) side.write(control(END));
  await until(() => one.has(ENDED) && other.has(ENDED));
  const all = wanted.map((data) => joined([...data, control(END)]));
  await until(() => other.size === all[0]!.length && one.size === all[1]!.length);
  expect(Buffer.compare(joined(other.got), all[0]!)).toBe(0);
  expect(Buffer.compare(joined(one.got), all[1]!)).toBe(0);
  expect(number).toBeGreaterThan(10);
  // Bytes of AWAY and BACK beside those of programs; messages are the programs' own.
  const messages = all.map((data) => scan(data).messages);
  for (const side of sides) side.stream.close();
  await until(() => one.link.hungUp && other.link.hungUp);
  expect([one.link.stats()[2], other.link.stats()[2]]).toEqual(messages);
  expect([other.link.stats()[3], one.link.stats()[3]]).toEqual(messages);
});

test.each([true, false])("a program that is through leaves nothing to the channel, cut or not: the link has the rest, and the END", async (broken) => {
  const [one, other] = pair();
  const channels = direct(one, other, 1);
  other.write(frame(1));
  one.write(frame(1));
  await until(() => bytes(channels[0]) > 0 || other.size > 0);
  await until(() => other.size === 9 && one.size === 9);
  if (broken) cut(...channels);
  one.write(frame(1000));
  one.write(control(END));
  await until(() => one.written);
  one.stream.close();
  await until(() => one.link.hungUp && other.has(ENDED));
  expect(other.has(FAILED)).toBe(false);
  await until(() => other.size === 9 + 1008 + 8);
  expect(scan(joined(other.got))).toMatchObject({ messages: 2, ended: true });
});

test("a killed program's peer gets END from the session worker, though it listens elsewhere", async () => {
  const [one, other] = pair();
  const channels = direct(one, other, 1);
  await until(() => channels[0].sent.length > 0);
  one.write(frame(1));
  await until(() => other.size === 9);
  one.link.drain(false);
  await until(() => other.has(ENDED) && other.size === 17);
  expect(scan(joined(other.got))).toMatchObject({ messages: 1, ended: true });
});

test("a peer's program that takes nothing is sent a window, and keeps no more", async () => {
  const [one, other] = pair();
  const [mine] = direct(one, other, 1);
  await until(() => one.wire.said.length > 2);
  await new Promise((resolve) => setTimeout(resolve, 20));
  other.reads = false;
  const block = joined(Array.from({ length: 200 }, () => frame(65_536)));
  one.write(block);
  await until(() => bytes(mine) >= WINDOW);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(bytes(mine)).toBeLessThan(WINDOW + (1 << 18));
  expect(one.stream.ready() & 4).toBe(0);
  other.reads = true;
  await until(() => other.size === block.length);
  expect(Buffer.compare(joined(other.got), block)).toBe(0);
});

test("the newest channel is taken, and an old one that comes late is not", async () => {
  const [one, other] = pair();
  const [mine] = direct(one, other, 2);
  await until(() => mine.sent.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const [late] = direct(one, other, 1);
  await until(() => late.sent.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  one.write(frame(10));
  await until(() => other.size === 18);
  one.write(frame(CREDIT_STEP / 4));
  await until(() => bytes(mine) > CREDIT_STEP / 4);
  await until(() => other.size === 18 + 8 + CREDIT_STEP / 4);
});

test.each<[string, (mine: FakeChannel) => void]>([
  ["what is no frame", (mine) => mine.send(new Uint8Array(8).fill(9))],
  ["a part of a frame", (mine) => mine.send(frame(100).slice(0, 50))],
  ["END", (mine) => mine.send(control(END))],
  ["AWAY", (mine) => mine.send(control(AWAY, 1))],
  ["that it took what it never got", (mine) => mine.send("5000")],
  ["words", (mine) => mine.send("hello there")],
  ["hello twice", (mine) => (mine.send("hello"), mine.send("hello"))],
])("a peer's program that sends %s directly is blamed for it", async (_, say) => {
  const [one, other] = pair();
  const [mine] = direct(one, other, 1);
  say(mine);
  await until(() => other.has(FAILED));
});

test("a channel that closes in the middle of a frame is a lost way, and nobody is blamed: the link brings the frame", async () => {
  const [one, other] = pair();
  const [mine, theirs] = direct(one, other, 1);
  one.write(frame(1));
  await until(() => other.size === 9);
  cut(mine, theirs);
  one.write(frame(1000));
  await until(() => one.written);
  other.stream.lost(1);
  theirs.hear(frame(1000).slice(0, 500).buffer);
  one.stream.lost(1);
  await until(() => other.size === 9 + 1008);
  expect(Buffer.compare(joined(other.got), joined([frame(1), frame(1000)]))).toBe(0);
  expect(other.has(FAILED)).toBe(false);
});

test("half a frame that was heard before its channel closed is blamed all the same", async () => {
  const [one, other] = pair();
  const [mine] = direct(one, other, 1);
  mine.send(frame(1000).slice(0, 500));
  mine.close();
  await until(() => other.has(FAILED));
});

test.each([
  ["AWAY to nowhere", control(AWAY, 4)],
  ["BACK from nowhere", control(BACK, 0)],
])("a peer's program that writes %s is blamed for it", async (_, data) => {
  const [one, other] = pair();
  one.write(data);
  await until(() => other.has(FAILED));
});

test("where no direct channel was agreed, AWAY is no frame: neither from a program, nor from a peer", async () => {
  const [one, other] = pair();
  (one.link as unknown as { link: { direct: boolean } }).link.direct = false;
  one.write(control(AWAY, 1));
  await until(() => one.has(FOUL));
  (one.link as unknown as { link: { direct: boolean } }).link.direct = false;
  other.write(control(AWAY, 1));
  await until(() => one.has(FAILED));
});

test("a peer that sends directly to a program that computes, however much, is left at some windows", async () => {
  const [one, other] = pair();
  other.write(frame(1));
  await until(() => one.size === 9);
  const [theirs] = direct(other, one, 3);
  await until(() => other.wire.said.some((data) => parts(data.slice(0, 16)).some(({ kind }) => kind === AWAY)));
  let closed = false;
  let counted = 0;
  let looks = 0;
  one.link.watch(3, { count: (say) => (looks++, say({ bytes: counted, rtt: 0.004 })), close: () => (closed = true) });
  // What the worker has looked at is no matter.
  const block = joined(Array.from({ length: 40 }, () => frame(65_536)));
  other.write(block);
  await until(() => bytes(theirs) >= block.length && one.size >= block.length);
  counted = block.length + MOST_UNHEARD - 1_000;
  const before = looks;
  await until(() => looks > before + 1);
  expect(one.has(FAILED)).toBe(false);
  expect(one.link.stats()[5]).toBe(0.004);
  // What it has not looked at is.
  counted += 2_000;
  await until(() => one.has(FAILED));
  expect(closed).toBe(true);
  expect(one.link.stats()[5]).not.toBe(0.004);
});
