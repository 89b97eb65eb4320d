/**
 * What reaches a worker while Python is at work, or waits: everything is kept here until Python's event
 * loop (huddle/browser/loop.py) asks for it. JavaScript never calls into Python; it only adds to this.
 *
 * Two kinds of things wait here: *notes* (an id, a kind, a value), each handed over once, and the bytes of
 * *streams*, which stay until they are read, as with sockets.
 */

import type { Rtc } from "./rtc";

export const READ = 1;
export const WRITE = 2;

/** Bytes that may be under way in a stream before its other end has taken them: a socket's buffer. */
export const CREDIT = 1 << 20;
/** Told to the sender in steps of this. */
export const CREDIT_STEP = 1 << 17;
/** Who sends so much over its credit breaks the rules, and its stream. */
export const FLOOD = 4 * CREDIT;

export class Mailbox {
  /** The page's WebRTC, in a session worker whose page has it. */
  rtc: Rtc | undefined;
  /** What Python waits for next, made by `armStream` or `armTick`. */
  promise: Promise<void> = Promise.resolve();
  private notes: unknown[] = [];
  private readonly watched = new Map<number, { stream: Stream; mask: number }>();
  private wake: (() => void) | undefined;
  private readonly channel = new MessageChannel();
  private ticked: (() => void) | undefined;
  private lastId = 0;

  constructor() {
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

  /** Add a note for whoever listens to that id. */
  note(id: number, kind: number, value: unknown): void {
    this.notes.push(id, kind, value ?? undefined);
    this.stir();
  }

  /** Something has come: let Python go on, if it waits. */
  stir(): void {
    const wake = this.wake;
    if (wake) {
      this.wake = undefined;
      wake();
    }
  }

  /** Whether there is anything for Python. */
  pending(): boolean {
    if (this.notes.length > 0) return true;
    for (const { stream, mask } of this.watched.values()) if ((stream.ready() & mask) !== 0) return true;
    return false;
  }

  /** All notes, flat: id, kind, value, id, …; undefined where there are none. */
  take(): unknown[] | undefined {
    if (this.notes.length === 0) return undefined;
    const notes = this.notes;
    this.notes = [];
    return notes;
  }

  /**
   * What has come, flat: 1 or 0, whether there are notes to take; then the watched streams that are ready, fd,
   * mask, fd, …; undefined where nothing has. One call, since each costs Python some microseconds.
   */
  poll(): number[] | undefined {
    let found = this.notes.length > 0 ? [1] : undefined;
    for (const [fd, { stream, mask }] of this.watched) {
      const ready = stream.ready() & mask;
      if (ready !== 0) (found ??= [0]).push(fd, ready);
    }
    return found;
  }

  /** Tell of that stream what is in the mask; 0: nothing any more. */
  watch(stream: Stream, mask: number): void {
    if (mask === 0) this.watched.delete(stream.fd);
    else this.watched.set(stream.fd, { stream, mask });
  }

  /** Tell of no stream. */
  unwatch(): void {
    this.watched.clear();
  }

  /** Wait until that stream is ready for what is in the mask. */
  armStream(stream: Stream, mask: number): void {
    this.promise = new Promise((resolve) => {
      const look = (): void => {
        if ((stream.ready() & mask) !== 0) resolve();
        else this.wake = look;
      };
      look();
    });
  }

  /** Until something comes, for at most so many milliseconds (negative: for ever); undefined where it has. */
  wait(milliseconds: number): Promise<void> | undefined {
    if (this.pending()) return undefined;
    return new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (milliseconds >= 0)
        timer = setTimeout(() => {
          this.wake = undefined;
          resolve();
        }, milliseconds);
    });
  }

  /** Wait for one turn of JavaScript's own loop, so that what has arrived gets here. */
  armTick(): void {
    this.promise = new Promise((resolve) => {
      this.ticked = resolve;
      this.channel.port2.postMessage(0);
    });
  }

  /** So many milliseconds, whatever comes. */
  pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
  }

  /** Notes of what that port brings: kind 1 and the message. Returns the id. */
  listen(port: MessagePort): number {
    const id = this.nextId();
    port.onmessage = (event) => this.note(id, 1, event.data);
    return id;
  }

  /** A WebSocket whose notes are: 0 open, 1 bytes, 2 closed with a reason. */
  socket(url: string): Socket {
    return new Socket(this, url);
  }
}

/** One direction of bytes each way over a MessagePort, as a socket that does not block. */
export class Stream {
  readonly fd: number;
  private chunks: Uint8Array[] = [];
  private held = 0;
  private taken = 0;
  private credit = CREDIT;
  private ended = false;

  constructor(
    private readonly box: Mailbox,
    private readonly port: MessagePort,
    private readonly onEnd: () => void = () => undefined,
  ) {
    this.fd = box.nextId();
    port.onmessage = (event: MessageEvent<ArrayBuffer | number | null>) => this.arrived(event.data);
  }

  ready(): number {
    return (this.held > 0 || this.ended ? READ : 0) | (this.credit > 0 || this.ended ? WRITE : 0);
  }

  get over(): boolean {
    return this.ended;
  }

  /** At most so many bytes; none at the end, undefined where there are none yet. */
  read(most: number): Uint8Array | undefined {
    if (this.held === 0) return this.ended ? new Uint8Array(0) : undefined;
    let data: Uint8Array;
    const first = this.chunks[0]!;
    if (this.chunks.length === 1 && first.length <= most) {
      data = first;
      this.chunks = [];
    } else {
      data = new Uint8Array(Math.min(most, this.held));
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
    this.held -= data.length;
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
    this.box.watch(this, 0);
  }

  private arrived(message: unknown): void {
    if (this.ended) return;
    if (typeof message === "number") {
      this.credit = Math.min(CREDIT, this.credit + Math.max(0, message));
    } else if (message instanceof ArrayBuffer && this.held <= FLOOD) {
      this.chunks.push(new Uint8Array(message));
      this.held += message.byteLength;
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

export class Socket {
  readonly id: number;
  private readonly socket: WebSocket;

  constructor(box: Mailbox, url: string) {
    this.id = box.nextId();
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => box.note(this.id, 0, undefined);
    this.socket.onmessage = (event: MessageEvent<ArrayBuffer | string>) => {
      if (typeof event.data === "string") this.socket.close();
      else box.note(this.id, 1, new Uint8Array(event.data));
    };
    this.socket.onclose = (event) => box.note(this.id, 2, event.reason);
  }

  get open(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    this.socket.send(data);
  }

  close(): void {
    this.socket.close();
  }
}
