/**
 * A peer's stream in a runner's worker: by the port to the session worker, and by a direct channel while there is one.
 *
 *     program <- PeerStream <- port         <- the session's data link: always there, survives every wire
 *                           <- data channel <- the peer's PeerStream: from frame to frame, no process between
 *
 * Either direction goes its way by itself. Who has a direct channel on which the peer has said "hello" writes AWAY with
 * its number to the link, and what follows to the channel. When the channel is gone, or the program is through, it writes
 * BACK to the link, with the offset on the channel of the first frame that the peer may lack, all from there
 * on once more, and goes on by the link. The peer knows how much the channel has brought, and drops what comes twice. So
 * nobody waits for an answer, and a program that computes loses nothing: its link is kept meanwhile by the session worker.
 *
 * On the channel, binary messages are whole DATA and EOF frames; END goes by the link alone. Text is "hello", once, and then
 * numbers: so many bytes of the channel are with the program. At most WINDOW bytes are not acknowledged so.
 * A channel that closes is a lost way, in the middle of a frame too. What was heard of it counts, a breach of these rules
 * as well; what was not is dropped, whatever it was, and an honest peer sends it again by the link.
 * An END on the link in the place of BACK says that the peer's runner was killed; what its channel has not brought is lost.
 *
 * All of this runs beside a stranger's program, and answers for no one but it. What the peer sends is the word of one too.
 */
import type { Carried } from "./data-link";
import { AWAY, BACK, FrameError, control, parts, scan, type Bytes } from "./frames";
import { SLACK, WINDOW } from "./link";
import { ByteQueue, CREDIT, CREDIT_STEP, FLOOD, POLLIN, POLLOUT, type Mailbox } from "./mailbox";

/** Of a data channel's message, in every browser. */
const MAX_MESSAGE = 262_144;
/** Bytes in the browser's own buffer, over which a channel keeps what is sent to itself. */
const MOST_BUFFERED = 1 << 20;
/** Milliseconds after which the session worker is told what went by direct channels. */
const TELL = 250;
/** Bytes that a channel has brought, after which the session worker is told at once. */
const TELL_BYTES = 1 << 20;
const HELLO = "hello";

/** The peer broke the rules of a direct channel. */
class Foul extends Error {}

/** As much of an RTCDataChannel as is used. */
export type DirectChannel = Pick<
  RTCDataChannel,
  "binaryType" | "bufferedAmount" | "bufferedAmountLowThreshold" | "readyState" | "send" | "close" | "onopen" | "onmessage" | "onclose" | "onbufferedamountlow"
>;

/** One direct channel, and how far either direction has come on it. */
class Way {
  // Sent:
  unacked: Bytes[] = [];
  /** Offset of the first byte of `unacked`. */
  base = 0;
  sent = 0;
  acked = 0;
  /** What the channel has not been given yet, and how much it has. */
  waiting: Bytes[] = [];
  given = 0;
  // Received:
  early: Bytes[] = [];
  received = 0;
  taken = 0;
  told = 0;
  greeted = false;
  over = false;

  constructor(
    readonly number: number,
    readonly channel: DirectChannel,
  ) {}

  get full(): boolean {
    return this.waiting.length > 0 || this.sent - this.acked >= WINDOW;
  }
}

export class PeerStream {
  readonly fd: number;
  private readonly held = new ByteQueue();
  /** Whence the bytes of `held` came, in their order: a channel, or the port. */
  private sources: { way: Way | undefined; size: number }[] = [];
  private readonly ways = new Map<number, Way>();
  private sending: Way | undefined;
  private receiving: Way | undefined;
  /** Bytes of the link that the channel has brought before. */
  private skip = 0;
  private credit = CREDIT;
  private backlog: Bytes[] = [];
  private taken = 0;
  private closing = false;
  private ended = false;
  private carried = { sent: 0, messagesSent: 0, received: 0, messagesReceived: 0, rounds: 0 };
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Bytes of the newest channel that were looked at, and of how many the session worker knows. */
  private heard = { number: 0, bytes: 0, told: 0 };

  constructor(
    private readonly box: Mailbox,
    private readonly port: MessagePort,
  ) {
    this.fd = box.add(this);
    port.onmessage = ({ data }: MessageEvent<unknown>) => {
      this.guarded(() => this.said(data));
      box.stir();
    };
  }

  // --- as a `Stream`, for Python

  ready(): number {
    const writable = this.sending ? !this.sending.full : this.credit > 0 && this.backlog.length === 0;
    return (this.held.size > 0 || this.ended ? POLLIN : 0) | (writable || this.ended ? POLLOUT : 0);
  }

  get over(): boolean {
    return this.ended;
  }

  read(most: number): Uint8Array | undefined {
    if (this.held.size === 0) return this.ended ? new Uint8Array(0) : undefined;
    const data = this.held.take(most);
    let size = data.length;
    while (size > 0) {
      const source = this.sources[0]!;
      const part = Math.min(size, source.size);
      size -= part;
      source.size -= part;
      if (source.size === 0) this.sources.shift();
      if (source.way) this.tookOf(source.way, part);
      else this.took(part);
    }
    return data;
  }

  /** Send whole frames, which are given away; false where the other end has too much to take. */
  send(data: Bytes): boolean {
    if (this.ended || this.closing) return false;
    const way = this.sending;
    if (!way) {
      if (this.credit <= 0 || this.backlog.length > 0) return false;
      this.toSession(data);
      return true;
    }
    const { ended, messages, deepest } = scan(data);
    if (ended) {
      this.back();
      this.toSession(data);
      return true;
    }
    if (way.full) return false;
    way.unacked.push(data);
    way.sent += data.length;
    this.count(data.length, messages, 0, 0, deepest);
    for (let rest = data; rest.length > 0; ) {
      const end = rest.length <= MAX_MESSAGE ? rest.length : scan(rest.subarray(0, MAX_MESSAGE)).end || MAX_MESSAGE;
      way.waiting.push(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    this.pump(way);
    return true;
  }

  /** All that was sent is the session worker's; nothing more comes. */
  close(): void {
    if (!this.ended && !this.closing) {
      this.back();
      this.closing = true;
      this.flush();
    }
    this.box.remove(this.fd);
  }

  // --- from the frame

  /** Here is a direct channel to the peer, which is the newest. */
  direct(number: number, channel: DirectChannel): void {
    const way = new Way(number, channel);
    this.ways.set(number, way);
    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = MOST_BUFFERED / 2;
    this.heard = { number, bytes: 0, told: 0 };
    channel.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      this.hear(number, typeof data === "string" ? data.length : data.byteLength);
      this.guarded(() => (typeof data === "string" ? this.told(way, data) : this.brought(way, new Uint8Array(data))));
      this.box.stir();
    };
    channel.onbufferedamountlow = () => {
      this.pump(way);
      this.box.stir();
    };
    channel.onclose = () => this.lost(number);
    channel.onopen = () => greet(channel);
    if (channel.readyState === "open") greet(channel);
  }

  /** That channel is no more. */
  lost(number: number): void {
    const way = this.ways.get(number);
    if (!way || way.over) return;
    way.over = true;
    way.channel.close();
    if (this.sending === way) this.back();
    this.box.stir();
  }

  // --- what comes

  private hear(number: number, bytes: number): void {
    const { heard } = this;
    if (number !== heard.number) return;
    heard.bytes += bytes;
    if (heard.bytes - heard.told > TELL_BYTES) this.tell();
    else this.timer ??= setTimeout(() => this.tell(), TELL);
  }

  /** By the port. */
  private said(message: unknown): void {
    if (this.ended) return;
    if (typeof message === "number") {
      this.credit = Math.min(CREDIT, this.credit + Math.max(0, message));
      this.flush();
    } else if (message instanceof ArrayBuffer && this.held.size <= FLOOD + WINDOW) {
      for (const { kind, number, frames } of parts(new Uint8Array(message))) {
        if (kind === AWAY) this.away(number, frames);
        else if (kind === BACK) this.comesBack(number, frames);
        else this.came(frames);
      }
    } else {
      this.end();
    }
  }

  private came(frames: Bytes): void {
    if (this.receiving) {
      if (!scan(frames).ended || frames.length !== 8) throw new Foul("it is on two ways at once");
      this.receiving = undefined;
    }
    if (this.skip > 0) {
      const twice = frames.subarray(0, Math.min(this.skip, frames.length));
      this.skip -= twice.length;
      // The link counts it.
      this.count(0, 0, -twice.length, -scan(twice).messages, 0);
      this.took(twice.length);
      frames = frames.subarray(twice.length);
    }
    this.put(frames, undefined);
  }

  private away(number: number, marker: Bytes): void {
    const way = this.ways.get(number);
    if (this.receiving || this.skip > 0 || !way || way.received > 0 && way.early.length === 0) throw new Foul("it goes where nobody is");
    this.took(marker.length);
    this.receiving = way;
    for (const frames of way.early) this.put(frames, way);
    way.early = [];
  }

  private comesBack(offset: number, marker: Bytes): void {
    const way = this.receiving;
    if (!way || offset > way.received) throw new Foul("it comes back from where it never was");
    this.took(marker.length);
    this.receiving = undefined;
    this.skip = way.received - offset;
    // Whoever left it will not be heard there any more.
    this.lost(way.number);
  }

  /** Data on a direct channel. */
  private brought(way: Way, frames: Bytes): void {
    // The peer is BACK, or will be, and sends by the link what this is.
    if (way.over) return;
    const { end, messages, markers, deepest, ended } = scan(frames);
    if (end !== frames.length || ended || markers > 0) throw new Foul("what came directly is no data");
    way.received += frames.length;
    if (way.received - way.taken > WINDOW + SLACK) throw new Foul("it sends directly more than the window allows");
    this.count(0, 0, frames.length, messages, deepest);
    if (this.receiving === way) this.put(frames, way);
    else way.early.push(frames);
  }

  private told(way: Way, text: string): void {
    if (text === HELLO) {
      if (way.greeted) throw new Foul("it says hello twice");
      way.greeted = true;
      if (way.over || this.ended || this.closing || (this.sending && this.sending.number > way.number)) return;
      this.back();
      this.toSession(control(AWAY, way.number));
      this.sending = way;
      return;
    }
    const total = Number(text);
    if (!Number.isSafeInteger(total) || total < way.acked || total > way.given) throw new Foul("it has taken what it never got");
    way.acked = total;
    let gone = 0;
    for (; gone < way.unacked.length && way.base + way.unacked[gone]!.length <= total; gone++) way.base += way.unacked[gone]!.length;
    way.unacked.splice(0, gone);
    this.pump(way);
  }

  // --- inside

  private put(frames: Bytes, way: Way | undefined): void {
    if (frames.length === 0) return;
    this.held.push(frames);
    const last = this.sources.at(-1);
    if (last && last.way === way) last.size += frames.length;
    else this.sources.push({ way, size: frames.length });
  }

  /** The program has so much of what came by the port, or need not have it. */
  private took(size: number): void {
    this.taken += size;
    if (this.taken >= CREDIT_STEP && !this.ended) {
      this.port.postMessage(this.taken);
      this.taken = 0;
    }
  }

  private tookOf(way: Way, size: number): void {
    way.taken += size;
    if (way.taken - way.told < CREDIT_STEP || way.over) return;
    way.told = way.taken;
    put(way.channel, String(way.taken));
  }

  private pump(way: Way): void {
    while (this.sending === way && way.waiting.length > 0 && way.given - way.acked < WINDOW && way.channel.bufferedAmount < MOST_BUFFERED) {
      const data = way.waiting.shift()!;
      way.given += data.length;
      put(way.channel, data);
    }
  }

  /** Go on by the link, if it goes elsewhere. */
  private back(): void {
    const way = this.sending;
    if (!way) return;
    this.sending = undefined;
    this.toSession(control(BACK, way.base));
    for (const data of way.unacked) {
      // The link counts it.
      this.count(-data.length, -scan(data).messages, 0, 0, 0);
      this.toSession(data);
    }
    way.unacked = [];
    way.waiting = [];
  }

  private toSession(data: Bytes): void {
    this.backlog.push(data);
    this.flush();
  }

  private flush(): void {
    while (this.backlog.length > 0 && this.credit > 0 && !this.ended) {
      const data = this.backlog.shift()!;
      this.credit -= data.length;
      const { buffer } = data.length === data.buffer.byteLength ? data : data.slice();
      this.port.postMessage(buffer, [buffer]);
    }
    if (this.closing && this.backlog.length === 0 && !this.ended) {
      this.tell();
      this.port.postMessage(null);
      this.end();
    }
  }

  private count(sent: number, messagesSent: number, received: number, messagesReceived: number, deepest: number): void {
    const { carried } = this;
    carried.sent += sent;
    carried.messagesSent += messagesSent;
    carried.received += received;
    carried.messagesReceived += messagesReceived;
    if (deepest > carried.rounds) carried.rounds = deepest;
    this.timer ??= setTimeout(() => this.tell(), TELL);
  }

  private tell(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.ended) return;
    const { sent, messagesSent, received, messagesReceived, rounds } = this.carried;
    const { heard } = this;
    heard.told = heard.bytes;
    const told: Carried = [sent, messagesSent, received, messagesReceived, rounds, heard.number, heard.bytes];
    this.port.postMessage({ carried: told });
  }

  private guarded(take: () => void): void {
    try {
      take();
    } catch (error) {
      if (!(error instanceof Foul || error instanceof FrameError)) throw error;
      if (!this.ended) this.port.postMessage({ foul: error.message });
      this.end();
    }
  }

  private end(): void {
    this.ended = true;
    for (const way of this.ways.values()) way.channel.close();
    // What was sent before still gets out of a port that is closed now.
    this.port.close();
  }
}

function greet(channel: DirectChannel): void {
  put(channel, HELLO);
}

/** Send, unless it was closed a moment ago, as its event is about to say. */
function put(channel: DirectChannel, data: string | Bytes): void {
  try {
    // Two signatures, which the compiler takes one at a time.
    if (typeof data === "string") channel.send(data);
    else channel.send(data);
  } catch {
    // As above.
  }
}
