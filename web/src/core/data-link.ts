/**
 * A run's data link in the session worker: between the port of the runner and whatever wire Python has found.
 *
 *     runner --port--> DataLink (link.ts) --> channel               and back
 *
 * No Python is on the way of a message. Python (huddle/browser/link.py) seeks and proves the wires, attaches and
 * detaches them, and hears by notes what happens. Of a wire it has the first bytes alone, those behind the proof.
 *
 * On the port, as on a `Stream`: buffers of bytes, here whole stream frames; numbers, by which either end says
 * how many bytes it has taken; null, when the runner has closed it; and from a runner that has a direct channel
 * (direct-stream.ts) what went by that, as `Carried`, or how the peer broke its rules. A runner runs a stranger's
 * code: who sends anything else, or far over its credit, has hung up.
 */
import { FrameError, scan, type Bytes } from "./frames";
import { Link, NEVER, PeerError, WINDOW } from "./link";
import { CREDIT, CREDIT_STEP, FLOOD, type Mailbox } from "./mailbox";
import type { Counted } from "./rtc";

// Kinds of notes.
const ONLINE = 1; // both ends have resumed
const SILENT = 2; // the wire is dead
const OVER = 3; // the peer said BYE, and so did this end
const FAILED = 4; // the peer broke the protocol, and how
const ENDED = 5; // the peer's program is over, and all that it sent was brought
const WRITTEN = 6; // this program's END is written
const FOUL = 7; // the program sent something other than frames

/** Bytes that are taken from the runner at a time: they may go over a full window. */
const READ = 1 << 18;
/** Of a data channel's message, in every browser. */
const MAX_MESSAGE = 262_144;
/** Characters of what a runner says of a peer. */
const LONGEST_REASON = 200;

/** Bytes on a direct channel that the runner's worker has not looked at: some windows, as its word of them comes late. */
export const MOST_UNHEARD = 4 * WINDOW;
/** Milliseconds from one look at a direct channel to the next. */
const LOOK = 500;

/** The connection of a direct channel, and how to learn how many bytes it has brought. */
export interface Watched {
  count(counted: (counted: Counted) => void): void;
  close(): void;
}

/** A wire's script: a data channel (rtc.ts), or the record layer over a WebSocket (records.ts). */
export interface Channel {
  send(data: Bytes): void;
  divert(sink: (data: ArrayBuffer) => void): void;
}

const now = (): number => performance.now() / 1000;

/**
 * Bytes and messages sent, bytes and messages received, largest depth, of what went by direct channels alone; then the
 * number of the newest one, and so many bytes of it the runner's worker has looked at.
 */
export type Carried = readonly [number, number, number, number, number, number, number];

export class DataLink {
  readonly id: number;
  /** Whether the runner's port is closed. */
  hungUp = false;
  private readonly link = new Link();
  private channel: Channel | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private timerAt = NEVER;
  private closing = false;
  private endedTold = false;
  private carried: Carried = [0, 0, 0, 0, 0, 0, 0];
  /** Seconds to the peer's runner and back on the direct channel. */
  private directRtt: number | undefined;
  private watched: ReturnType<typeof setInterval> | undefined;
  // From the runner,
  private fromRunner = true;
  private held: Bytes[] = [];
  private heldSize = 0;
  private taken = 0;
  // and to it.
  private toRunner = true;
  private credit = CREDIT;
  private pending: Bytes[] = [];
  private pendingSize = 0;

  constructor(
    private readonly box: Mailbox,
    private readonly port: MessagePort,
    private readonly onHungUp: () => void = () => undefined,
  ) {
    this.id = box.nextId();
    port.onmessage = (event: MessageEvent<unknown>) => this.said(event.data);
  }

  // --- for Python: the wire

  /** There is a wire. */
  attach(channel: Channel): void {
    this.detach();
    this.channel = channel;
    this.link.attach(now());
    this.flush();
    this.arm();
  }

  /** Take all that the channel brings from now on. */
  divert(): void {
    const { channel } = this;
    channel?.divert((data) => {
      if (this.channel === channel) this.receive(new Uint8Array(data));
    });
  }

  detach(): void {
    this.channel = undefined;
    this.disarm();
    this.link.detach();
  }

  /** What the wire brought. */
  receive(data: Bytes): void {
    if (!this.channel) return;
    const { link } = this;
    let frames: Bytes | undefined;
    try {
      frames = link.receive(data, now());
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      this.abandon();
      this.box.note(this.id, FAILED, error.message);
      return;
    }
    this.happened();
    if (frames) this.bring(frames);
    this.flush();
    if (link.endedThere && !this.endedTold) {
      this.endedTold = true;
      this.box.note(this.id, ENDED, undefined);
    }
    if (link.state === "over") this.box.note(this.id, OVER, undefined);
    this.arm();
  }

  /** Say BYE as soon as the peer has everything; what still arrives is dropped. */
  finish(): void {
    this.closing = true;
    this.link.finish();
    this.drop();
    this.flush();
  }

  /** Keep nothing, take nothing. */
  abandon(): void {
    this.detach();
    this.unwatch();
    this.link.abandon();
    this.held = [];
    this.pending = [];
    this.heldSize = this.pendingSize = 0;
  }

  /** The counters; of times, -1 where there is none. The round trip is that of the way on which the run's bytes go. */
  stats(): number[] {
    const { sent, received, messagesSent, messagesReceived, rounds, rtt, lastRtt, attached, queued } = this.link;
    const [out, messagesOut, come, messagesCome, deepest] = this.carried;
    return [
      sent + out,
      received + come,
      messagesSent + messagesOut,
      messagesReceived + messagesCome,
      Math.max(rounds, deepest),
      this.directRtt ?? rtt ?? -1,
      lastRtt ?? -1,
      attached,
      queued,
    ];
  }

  /** From now on the two programs may go by a direct channel. */
  allowDirect(): void {
    this.link.direct = true;
  }

  /**
   * Watch what a direct channel brings: while the program computes its worker looks at nothing, and what a peer sends
   * all the same piles up there. An honest one sends a window.
   */
  watch(number: number, connection: Watched): void {
    this.unwatch();
    const look = ({ bytes, rtt }: Counted): void => {
      const [, , , , , of, heard] = this.carried;
      if (this.watched === undefined) return;
      this.directRtt = rtt;
      if (bytes - (of === number ? heard : 0) <= MOST_UNHEARD) return;
      connection.close();
      this.abandon();
      this.box.note(this.id, FAILED, "it sends directly more than the window allows");
    };
    this.watched = setInterval(() => connection.count(look), LOOK);
  }

  /** That channel is no more. */
  unwatch(): void {
    clearInterval(this.watched);
    this.watched = undefined;
    this.directRtt = undefined;
  }

  // --- for Python: the runner

  /** The runner is gone: what it left goes out, as the window allows (if it ended well), then END. */
  drain(well: boolean): void {
    this.toRunner = false;
    this.drop();
    this.cut();
    if (!well) this.end();
    this.flush();
  }

  /** Take no more of the runner: END, unless it said so itself. */
  end(): void {
    if (!this.fromRunner) return;
    this.fromRunner = false;
    this.held = [];
    this.heldSize = 0;
    this.link.end();
    this.flush();
    this.box.note(this.id, WRITTEN, undefined);
  }

  /** Forget the runner. */
  close(): void {
    if (!this.hungUp) this.port.postMessage(null);
    this.toRunner = this.fromRunner = false;
    this.cut();
  }

  /** The port brings no more; what it brought still counts. */
  cut(): void {
    if (this.hungUp) return;
    this.hungUp = true;
    this.unwatch();
    this.port.close();
    this.feed();
    this.onHungUp();
  }

  // --- from the runner

  private said(message: unknown): void {
    if (this.hungUp) return;
    if (typeof message === "number") {
      this.credit = Math.min(CREDIT, this.credit + Math.max(0, message));
      this.passOn();
      this.flush();
    } else if (message instanceof ArrayBuffer && this.heldSize <= FLOOD) {
      this.held.push(new Uint8Array(message));
      this.heldSize += message.byteLength;
      this.feed();
    } else if (isCarried(message)) {
      this.carried = message.carried;
    } else if (isFoul(message)) {
      this.abandon();
      this.box.note(this.id, FAILED, message.foul.slice(0, LONGEST_REASON));
    } else {
      this.cut();
    }
  }

  /** Write what is held, as the window allows. */
  private feed(): void {
    const { link } = this;
    while (this.fromRunner && this.held.length > 0 && link.writable) {
      const chunk = this.held[0]!;
      let piece = chunk;
      try {
        if (chunk.length > READ) piece = chunk.subarray(0, scan(chunk.subarray(0, READ)).end || READ);
        if (piece.length === chunk.length) this.held.shift();
        else this.held[0] = chunk.subarray(piece.length);
        this.heldSize -= piece.length;
        link.write(piece);
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
        this.box.note(this.id, FOUL, undefined);
        this.end();
        return;
      }
      this.flush();
      this.taken += piece.length;
      if (this.taken >= CREDIT_STEP && !this.hungUp) {
        this.port.postMessage(this.taken);
        this.taken = 0;
      }
      if (link.endedHere) {
        this.fromRunner = false;
        this.box.note(this.id, WRITTEN, undefined);
      }
    }
    if (this.hungUp && this.held.length === 0) this.end();
  }

  // --- to the runner

  private bring(frames: Bytes): void {
    if (this.toRunner && !this.closing) {
      this.pending.push(frames);
      this.pendingSize += frames.length;
      this.passOn();
    } else {
      this.drop();
    }
  }

  private passOn(): void {
    while (this.pending.length > 0 && this.credit > 0 && !this.hungUp) {
      const frames = this.pending.shift()!;
      this.pendingSize -= frames.length;
      this.credit -= frames.length;
      const { buffer } = frames.length === frames.buffer.byteLength ? frames : frames.slice();
      this.port.postMessage(buffer, [buffer]);
    }
    this.deliver();
  }

  private drop(): void {
    this.pending = [];
    this.pendingSize = 0;
    this.deliver();
  }

  private deliver(): void {
    const { link } = this;
    link.delivered(link.received - this.pendingSize, now());
    if (link.due < this.timerAt) this.arm();
  }

  // --- inside

  private flush(): void {
    const data = this.channel && this.link.output();
    if (!this.channel || !data) return;
    if (data.length <= MAX_MESSAGE) {
      this.channel.send(data);
    } else {
      for (let at = 0; at < data.length; at += MAX_MESSAGE) this.channel.send(data.subarray(at, at + MAX_MESSAGE));
    }
  }

  /** What the link tells, but that it is over. */
  private happened(): void {
    const { events } = this.link;
    if (events.length === 0) return;
    this.link.events = [];
    for (const event of events) {
      if (event === "online") this.box.note(this.id, ONLINE, undefined);
      else if (event === "silent") this.box.note(this.id, SILENT, undefined);
      else if (event === "taken") this.feed();
    }
  }

  private arm(): void {
    const { due } = this.link;
    if (due === this.timerAt) return;
    this.disarm();
    if (due === NEVER) return;
    this.timerAt = due;
    this.timer = setTimeout(() => this.tick(), Math.max(0, Math.ceil((due - now()) * 1000)));
  }

  private disarm(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.timerAt = NEVER;
  }

  private tick(): void {
    this.timer = undefined;
    this.timerAt = NEVER;
    this.link.handleTimer(now());
    this.flush();
    this.happened();
    this.arm();
  }
}

function isCarried(message: unknown): message is { carried: Carried } {
  const { carried } = (message ?? {}) as { carried?: unknown };
  return Array.isArray(carried) && carried.length === 7 && carried.every((one) => Number.isSafeInteger(one) && one >= 0);
}

function isFoul(message: unknown): message is { foul: string } {
  return typeof ((message ?? {}) as { foul?: unknown }).foul === "string";
}
