/** The mailbox by itself: what waits, what wakes, and how much a stream may hold. */
import { expect, test } from "vitest";
import { Mailbox, READ, Stream, WRITE } from "../src/core/mailbox";

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values);

function pair(): { box: Mailbox; near: Stream; far: Stream; port: MessagePort } {
  const box = new Mailbox();
  const { port1, port2 } = new MessageChannel();
  return { box, near: new Stream(box, port1), far: new Stream(new Mailbox(), port2), port: port2 };
}

async function waited(box: Mailbox, milliseconds = 1_000): Promise<void> {
  await box.wait(milliseconds);
}

test("notes are handed over once, in order", async () => {
  const box = new Mailbox();
  expect(box.take()).toBeUndefined();
  box.note(1, 0, "first");
  box.note(2, 1, null);
  expect(box.take()).toEqual([1, 0, "first", 2, 1, undefined]);
  expect(box.pending()).toBe(false);
});

test("a note ends the waiting, and nothing else does before its time", async () => {
  const box = new Mailbox();
  const waiting = box.wait(-1);
  setTimeout(() => box.note(1, 0, "late"), 5);
  await waiting;
  expect(box.wait(-1)).toBeUndefined();
  expect(box.take()).toEqual([1, 0, "late"]);
  await waited(box, 5);
  expect(box.pending()).toBe(false);
});

test("bytes arrive in order, are read in any pieces, and the end comes last", async () => {
  const { box, near, far } = pair();
  box.watch(near, READ);
  far.send(bytes(1, 2, 3));
  far.send(bytes(4, 5));
  far.close();
  const got: number[] = [];
  while (!near.over || near.read(0)!.length > 0) {
    await waited(box);
    for (let part = near.read(2); part && part.length > 0; part = near.read(2)) got.push(...part);
  }
  expect(got).toEqual([1, 2, 3, 4, 5]);
  expect(near.read(10)).toEqual(bytes());
});

test("a sender is held up until the other end has taken what it has", async () => {
  const { box, near, far } = pair();
  box.watch(near, WRITE);
  const chunk = 1 << 18;
  let sent = 0;
  while (near.send(new Uint8Array(chunk))) sent += chunk;
  expect(sent).toBe(1 << 20);
  expect(box.pending()).toBe(false);
  while (!box.pending()) {
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
    box.watch(near, READ);
    port2.postMessage(flood);
    port2.postMessage(flood);
    while (!near.over) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(near.send(bytes(1))).toBe(false);
  }
});

test("what has come is told at once, of what is watched", () => {
  const { box, near } = pair();
  expect(box.poll()).toBeUndefined();
  box.watch(near, READ | WRITE);
  expect(box.poll()).toEqual([0, near.fd, WRITE]);
  box.note(1, 0, "first");
  expect(box.poll()).toEqual([1, near.fd, WRITE]);
  box.watch(near, READ);
  expect(box.poll()).toEqual([1]);
});

test("one stream can be waited for alone", async () => {
  const { box, near, far } = pair();
  const other = pair();
  box.watch(other.near, READ);
  box.note(1, 0, "not this");
  box.armStream(near, READ);
  setTimeout(() => far.send(bytes(7)), 5);
  await box.promise;
  expect(near.read(1)).toEqual(bytes(7));
});
