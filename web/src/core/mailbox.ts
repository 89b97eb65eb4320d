/**
 * What reaches a worker while Python is at work, or waits: everything is kept here until Python's event
 * loop (huddle/browser/loop.py) asks for it. JavaScript never calls into Python; it only adds to this.
 *
 * Three kinds of things wait here: *notes* (an id, a kind, a value), each handed over once; the bytes of
 * *streams*, which stay until they are read, as with sockets; and the *outcomes* of promises. Each has a
 * number, and Python waits for them by poll(2), which here is `poll`.
 */

import type { Bytes } from "./frames";
import { Records } from "./records";
import type { Rtc } from "./rtc";
import { Socket } from "./socket";

/** Of poll(2). */
export const POLLIN = 1;
export const POLLOUT = 4;

/** Bytes that may be under way in a stream before its other end has taken them: a socket's buffer. */
export const CREDIT = 1 << 20;
/** Told to the sender in steps of this. */
export const CREDIT_STEP = 1 << 17;
/** Who sends so much over its credit breaks the rules, and its stream. */
export const FLOOD = 4 * CREDIT;

/** Larger than the number of any file that Python opens. */
const FIRST_ID = 1 << 16;

/** Something that Python may wait for. */
interface Source {
  /** What it is ready for: POLLIN, POLLOUT. */
  ready(): number;
}

/** Python's memory; the view is a new one whenever that grows. */
export interface Heap {
  HEAP32: Int32Array;
}

export class Mailbox {
  /** The page's WebRTC, in a session worker whose page has it. */
  rtc: Rtc | undefined;
  /** The number by which Python waits for notes. */
  readonly fd: number;
  private notes: unknown[] = [];
  private readonly sources = new Map<number, Source>();
  private wake: (() => void) | undefined;
  private readonly channel = new MessageChannel();
  private ticked: (() => void) | undefined;
  private lastId = FIRST_ID;

  constructor() {
    this.fd = this.add({ ready: () => (this.notes.length > 0 ? POLLIN : 0) });
    this.channel.port1.onmessage = () => {
      const ticked = this.ticked;
      this.ticked = undefined;
      ticked?.();
    };
  }

  /** An id that nothing else has here. */
  nextId(): number {
    return ++this.lastId;
  }

  /** The number by which Python waits for this. */
  add(source: Source): number {
    const fd = this.nextId();
    this.sources.set(fd, source);
    return fd;
  }

  /** Nobody waits for that any more. */
  remove(fd: number): void {
    this.sources.delete(fd);
  }

  /** Add a note for whoever listens to that id. */
  note(id: number, kind: number, value: unknown): void {
    this.notes.push(id, kind, value ?? undefined);
    this.stir();
  }

  /** Something has come: let Python go on, if it waits for that. */
  stir(): void {
    this.wake?.();
  }

  /** All notes, flat: id, kind, value, id, …; undefined where there are none. */
  take(): unknown[] | undefined {
    if (this.notes.length === 0) return undefined;
    const notes = this.notes;
    this.notes = [];
    return notes;
  }

  /**
   * poll(2) with the list at that address in Python's memory: resolves with the number of entries that are
   * ready, and writes into them for what. With a timeout of 0 JavaScript's own loop gets one turn, so that what has
   * arrived gets here; a negative one is for ever.
   */
  poll(heap: Heap, address: number, length: number, milliseconds: number): Promise<number> {
    const first = address >> 2;
    const look = (): number => {
      const { HEAP32 } = heap;
      let found = 0;
      // An entry is a number of 32 bits, then what is asked for and what is answered, 16 bits each.
      for (let at = first; at < first + 2 * length; at += 2) {
        const asked = HEAP32[at + 1]! & 0xffff;
        const ready = (this.sources.get(HEAP32[at]!)?.ready() ?? 0) & asked;
        HEAP32[at + 1] = asked | (ready << 16);
        if (ready !== 0) found++;
      }
      return found;
    };
    return new Promise((resolve) => {
      if (milliseconds === 0) {
        this.ticked = () => resolve(look());
        this.channel.port2.postMessage(0);
        return;
      }
      const found = look();
      if (found > 0) {
        resolve(found);
        return;
      }
      let timer: ReturnType<typeof setTimeout> | undefined;
      const end = (ready: number): void => {
        this.wake = undefined;
        clearTimeout(timer);
        resolve(ready);
      };
      this.wake = () => {
        const ready = look();
        if (ready > 0) end(ready);
      };
      if (milliseconds > 0) timer = setTimeout(() => end(look()), milliseconds);
    });
  }

  /** These functions, with outcomes in the place of promises. */
  outcomes(functions: Functions): Record<string, (...args: never[]) => Outcome> {
    const one = ([name, call]: [string, Functions[string]]) => [name, (...args: never[]) => new Outcome(this, call(...args))];
    return Object.fromEntries(Object.entries(functions).map(one));
  }

  /** A WebSocket. */
  socket(url: string): Socket {
    return new Socket(this, url);
  }

  /** The record layer over a WebSocket, with the keys of one wire. */
  records(socket: Socket, sending: Bytes, receiving: Bytes): Records {
    return new Records(this, socket, sending, receiving);
  }
}

type Functions = Record<string, (...args: never[]) => Promise<unknown>>;

/**
 * What comes of a promise, for Python to wait for by its number and to take once. A promise itself would cost
 * Python a future and several turns of another event loop.
 */
export class Outcome {
  readonly fd: number;
  private over = false;
  private value: unknown;
  private reason: unknown;

  constructor(
    private readonly box: Mailbox,
    promise: Promise<unknown>,
  ) {
    this.fd = box.add({ ready: () => (this.over ? POLLIN : 0) });
    promise.then(
      (value) => this.end(value, undefined),
      (reason: unknown) => this.end(undefined, reason ?? new Error("for no reason")),
    );
  }

  take(): unknown {
    this.box.remove(this.fd);
    if (this.reason !== undefined) throw this.reason;
    return this.value;
  }

  private end(value: unknown, reason: unknown): void {
    this.value = value ?? undefined;
    this.reason = reason;
    this.over = true;
    this.box.stir();
  }
}

/** Bytes that wait, in the pieces in which they came. */
export class ByteQueue {
  size = 0;
  private chunks: Uint8Array[] = [];

  push(data: Uint8Array): void {
    this.chunks.push(data);
    this.size += data.length;
  }

  /** At most so many. */
  take(most: number): Uint8Array {
    let data: Uint8Array;
    const first = this.chunks[0];
    if (first && this.chunks.length === 1 && first.length <= most) {
      data = first;
      this.chunks = [];
    } else {
      data = new Uint8Array(Math.min(most, this.size));
      let at = 0;
      let used = 0;
      while (at < data.length) {
        const chunk = this.chunks[used]!;
        const part = chunk.subarray(0, data.length - at);
        data.set(part, at);
        at += part.length;
        if (part.length < chunk.length) this.chunks[used] = chunk.subarray(part.length);
        else used++;
      }
      this.chunks.splice(0, used);
    }
    this.size -= data.length;
    return data;
  }
}

/** One direction of bytes each way over a MessagePort, as a socket that does not block. */
export class Stream {
  readonly fd: number;
  private readonly held = new ByteQueue();
  private taken = 0;
  private credit = CREDIT;
  private ended = false;

  constructor(
    private readonly box: Mailbox,
    private readonly port: MessagePort,
    private readonly onEnd: () => void = () => undefined,
  ) {
    this.fd = box.add(this);
    port.onmessage = (event: MessageEvent<ArrayBuffer | number | null>) => this.arrived(event.data);
  }

  ready(): number {
    return (this.held.size > 0 || this.ended ? POLLIN : 0) | (this.credit > 0 || this.ended ? POLLOUT : 0);
  }

  get over(): boolean {
    return this.ended;
  }

  /** At most so many bytes; none at the end, undefined where there are none yet. */
  read(most: number): Uint8Array | undefined {
    if (this.held.size === 0) return this.ended ? new Uint8Array(0) : undefined;
    const data = this.held.take(most);
    this.taken += data.length;
    if (this.taken >= CREDIT_STEP && !this.ended) {
      this.port.postMessage(this.taken);
      this.taken = 0;
    }
    return data;
  }

  /** Send all of these bytes, which are given away; false where the other end has too much to take. */
  send(data: Uint8Array<ArrayBuffer>): boolean {
    if (this.ended || this.credit <= 0) return false;
    this.credit -= data.length;
    this.port.postMessage(data.buffer, [data.buffer]);
    return true;
  }

  close(): void {
    if (!this.ended) {
      this.port.postMessage(null);
      this.end();
    }
    this.box.remove(this.fd);
  }

  private arrived(message: unknown): void {
    if (this.ended) return;
    if (typeof message === "number") {
      this.credit = Math.min(CREDIT, this.credit + Math.max(0, message));
    } else if (message instanceof ArrayBuffer && this.held.size <= FLOOD) {
      this.held.push(new Uint8Array(message));
    } else {
      this.end();
    }
    this.box.stir();
  }

  /** The other end is gone; what it has sent can still be read. */
  cut(): void {
    if (!this.ended) this.end();
    this.box.stir();
  }

  private end(): void {
    this.ended = true;
    this.onEnd();
    // What was sent before still gets out of a port that is closed now.
    this.port.close();
  }
}
