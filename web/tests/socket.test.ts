/** A WebSocket that goes from Python to somebody else: nothing is lost, and the end comes last. */
import { expect, test, vi } from "vitest";
import type { Bytes } from "../src/core/frames";
import { Mailbox } from "../src/core/mailbox";
import type { Taker } from "../src/core/socket";

/** The browser's, whose events are the test's to tell: which of two comes first can't be forced on a real one. */
class FakeWebSocket {
  static readonly OPEN = 1;
  static made: FakeWebSocket;
  readyState = 1;
  said: string[] = [];
  onopen!: () => void;
  onmessage!: (event: { data: ArrayBuffer | string }) => void;
  onclose!: (event: { reason: string }) => void;

  constructor() {
    FakeWebSocket.made = this;
  }

  send(data: Bytes): void {
    this.said.push(`sent ${data.join()}`);
  }

  close(): void {
    this.said.push("closed");
  }

  brings(...data: number[]): void {
    this.onmessage({ data: new Uint8Array(data).buffer });
  }
}

vi.stubGlobal("WebSocket", FakeWebSocket);

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/** Somebody who takes what comes, and who has as much to do before and after as the test says. */
function somebody(): Taker & { got: number[]; settle: () => void; flush: () => void } {
  let [settle, flush] = [(): void => undefined, (): void => undefined];
  const settled = new Promise<void>((resolve) => (settle = resolve));
  const flushed = new Promise<void>((resolve) => (flush = resolve));
  const got: number[] = [];
  return { got, settle, flush, arrived: (data) => void got.push(...data), settled: () => settled, flushed: () => flushed };
}

test("what Python has not taken goes to whoever takes over, before what comes", () => {
  const socket = new Mailbox().socket("ws://nowhere");
  const real = FakeWebSocket.made;
  for (const number of [1, 2, 3]) real.brings(number);
  expect(socket.take()).toEqual(new Uint8Array([1]));
  const taker = somebody();
  socket.divert(taker);
  real.brings(4);
  expect(taker.got).toEqual([2, 3, 4]);
  expect(socket.take()).toBeUndefined();
});

test("of its end is told when all that came before is dealt with", async () => {
  const box = new Mailbox();
  const socket = box.socket("ws://nowhere");
  const taker = somebody();
  socket.divert(taker);
  FakeWebSocket.made.onclose({ reason: "the other side left" });
  await turn();
  expect(box.take()).toBeUndefined();
  taker.settle();
  await turn();
  expect(box.take()).toEqual([socket.id, 2, "the other side left"]);
});

test("it is closed when all that was to go out is given to it", async () => {
  const socket = new Mailbox().socket("ws://nowhere");
  const real = FakeWebSocket.made;
  const taker = somebody();
  socket.divert(taker);
  socket.close();
  await turn();
  expect(real.said).toEqual([]);
  socket.send(new Uint8Array([7]));
  taker.flush();
  await turn();
  expect(real.said).toEqual(["sent 7", "closed"]);
});

test("with nobody else, its end is told and it is closed at once; a text closes it", async () => {
  const box = new Mailbox();
  const socket = box.socket("ws://nowhere");
  const real = FakeWebSocket.made;
  real.onmessage({ data: "text" });
  expect(real.said).toEqual(["closed"]);
  socket.close();
  expect(real.said).toEqual(["closed", "closed"]);
  real.onclose({ reason: "" });
  await turn();
  expect(box.take()).toEqual([socket.id, 2, ""]);
});
