/** The mailbox by itself: what waits, what wakes, and how much a stream may hold. */
import { expect, test } from "vitest";
import { Mailbox, Outcome, POLLIN, POLLOUT, Stream } from "../src/core/mailbox";

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values);

function pair(): { box: Mailbox; near: Stream; far: Stream; port: MessagePort } {
  const box = new Mailbox();
  const { port1, port2 } = new MessageChannel();
  return { box, near: new Stream(box, port1), far: new Stream(new Mailbox(), port2), port: port2 };
}

/** What poll(2) answers for these numbers, as a program would ask: how many are ready, and each one's events. */
async function polled(box: Mailbox, asked: [number, number][], milliseconds = 1_000): Promise<[number, number[]]> {
  const heap = { HEAP32: new Int32Array([-1, ...asked.flat()]) };
  const found = await box.poll(heap, 4, asked.length, milliseconds);
  return [found, asked.map((_, index) => heap.HEAP32[2 + 2 * index]! >> 16)];
}

const noted = (box: Mailbox, milliseconds?: number): Promise<[number, number[]]> => polled(box, [[box.fd, POLLIN]], milliseconds);

test("notes are handed over once, in order", async () => {
  const box = new Mailbox();
  expect(box.take()).toBeUndefined();
  box.note(1, 0, "first");
  box.note(2, 1, null);
  expect(box.take()).toEqual([1, 0, "first", 2, 1, undefined]);
  expect(await noted(box, 0)).toEqual([0, [0]]);
});

test("a note ends the waiting, and nothing else does before its time", async () => {
  const box = new Mailbox();
  const { near, far } = pair();
  const order: string[] = [];
  const waiting = noted(box, -1).then((found) => {
    order.push("woken");
    return found;
  });
  far.send(bytes(1));
  while ((near.ready() & POLLIN) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  order.push("arrived");
  box.note(1, 0, "late");
  expect(await waiting).toEqual([1, [POLLIN]]);
  expect(order).toEqual(["arrived", "woken"]);
  expect(box.take()).toEqual([1, 0, "late"]);
  expect(await noted(box, 5)).toEqual([0, [0]]);
  expect(await polled(box, [], 5)).toEqual([0, []]);
});

test("a poll that does not wait lets JavaScript have a turn first, so that what has arrived counts", async () => {
  const { box, near, far } = pair();
  far.send(bytes(1));
  for (let turns = 0; turns < 10_000 && (near.ready() & POLLIN) === 0; turns++) await polled(box, [[near.fd, POLLIN]], 0);
  expect(await polled(box, [[near.fd, POLLIN]], 0)).toEqual([1, [POLLIN]]);
});

test("bytes arrive in order, are read in any pieces, and the end comes last", async () => {
  const { box, near, far } = pair();
  far.send(bytes(1, 2, 3));
  far.send(bytes(4, 5));
  far.close();
  const got: number[] = [];
  while (!near.over || near.read(0)!.length > 0) {
    await polled(box, [[near.fd, POLLIN]]);
    for (let part = near.read(2); part && part.length > 0; part = near.read(2)) got.push(...part);
  }
  expect(got).toEqual([1, 2, 3, 4, 5]);
  expect(near.read(10)).toEqual(bytes());
});

test("a sender is held up until the other end has taken what it has", async () => {
  const { near, far } = pair();
  const chunk = 1 << 18;
  let sent = 0;
  while (near.send(new Uint8Array(chunk))) sent += chunk;
  expect(sent).toBe(1 << 20);
  expect(near.ready() & POLLOUT).toBe(0);
  while ((near.ready() & POLLOUT) === 0) {
    far.read(chunk);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(near.send(bytes(1))).toBe(true);
});

test("who sends far over its credit, or something else than bytes, loses the stream", async () => {
  for (const flood of [new ArrayBuffer(6 << 20), "text"]) {
    const box = new Mailbox();
    const { port1, port2 } = new MessageChannel();
    const near = new Stream(box, port1);
    port2.postMessage(flood);
    port2.postMessage(flood);
    while (!near.over) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(near.send(bytes(1))).toBe(false);
  }
});

test("of what is ready is told what was asked for, each under its number", async () => {
  const { box, near } = pair();
  const asked: [number, number][] = [[near.fd, POLLIN | POLLOUT], [box.fd, POLLIN]];
  expect(await polled(box, asked)).toEqual([1, [POLLOUT, 0]]);
  box.note(1, 0, "first");
  expect(await polled(box, asked)).toEqual([2, [POLLOUT, POLLIN]]);
  expect(await polled(box, [[near.fd, POLLIN], [1, POLLIN], [box.fd, POLLIN]])).toEqual([1, [0, 0, POLLIN]]);
});

test("one stream can be waited for alone", async () => {
  const { box, near, far } = pair();
  box.note(1, 0, "not this");
  setTimeout(() => far.send(bytes(7)), 5);
  expect(await polled(box, [[near.fd, POLLIN]], -1)).toEqual([1, [POLLIN]]);
  expect(near.read(1)).toEqual(bytes(7));
});

test("an outcome is waited for by its number, and taken once it is there", async () => {
  const box = new Mailbox();
  const { twice, never } = box.outcomes({
    twice: async (number: number) => 2 * number,
    never: async () => { throw new Error("never"); },
  }) as Record<string, (...args: unknown[]) => Outcome>;
  const good = twice!(21);
  expect(await polled(box, [[good.fd, POLLIN]])).toEqual([1, [POLLIN]]);
  expect(good.take()).toBe(42);
  const bad = never!();
  await polled(box, [[bad.fd, POLLIN]]);
  expect(() => bad.take()).toThrow("never");
  expect(await polled(box, [[good.fd, POLLIN], [bad.fd, POLLIN]], 5)).toEqual([0, [0, 0]]);
});
