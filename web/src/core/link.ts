/**
 * One end of a link, without wires or clocks: the machine of huddle/links/protocol.py, in JavaScript, since in a
 * browser Python is dear and a data link has to answer at any time. What it does at each step is what
 * that one does: tests/vectors/link.json has steps and answers of both. States, offsets and invariants are
 * described there; times are seconds.
 */
import { ACK, BYE, END, PING, RESUME, FrameError, control, joined, pong, scan, wireFrame, type Bytes, type Scanned } from "./frames";

export const WINDOW = 8 << 20;
export const SLACK = 1 << 20;
export const ACK_BYTES = 256 << 10;
export const ACK_JOIN = 16 << 10;
export const ACK_DELAY = 0.05;
export const PING_EVERY = 2;
export const SILENCE = 6;
export const PONG_PAUSE = 0.5;
export const STOPPED = 1;
export const NEVER = Infinity;

export type State = "offline" | "resuming" | "online" | "over";
export type Happened = "online" | "taken" | "silent" | "over";

/** The peer broke the link's protocol. */
export class PeerError extends Error {}

export class Link {
  state: State = "offline";
  writable = true;
  /** When `handleTimer` wants to be called. */
  due = NEVER;
  events: Happened[] = [];
  outgoing: Bytes[] = [];
  sent = 0;
  acked = 0;
  received = 0;
  deliveredTo = 0;
  messagesSent = 0;
  messagesReceived = 0;
  rounds = 0;
  rtt: number | undefined;
  lastRtt: number | undefined;
  attached = 0;
  endedHere = false;
  endedThere = false;
  /** Whether the two programs may take what they say elsewhere, by AWAY and BACK. */
  direct = false;
  private unacked: Bytes[] = [];
  /** Offset of the first byte of `unacked`, at most `acked`. */
  private base = 0;
  private written: Bytes | undefined;
  private tail: Bytes | undefined;
  private finishing = false;
  private byeSent = false;
  /** There was no wire yet. */
  private fresh = true;
  /** This wire is the first: the stream does not wait for the peer's RESUME. */
  private ahead = false;
  private acknowledged = 0;
  private ackDue = NEVER;
  private pingDue = NEVER;
  private heard = 0;
  private pinged = 0;
  private ping = 0;
  private pingOpen = false;
  private ponged = -NEVER;

  // --- the local program

  /** Take stream frames, in pieces cut anywhere; throws FrameError, or RangeError over a full window. */
  write(frames: Bytes): void {
    if (this.state === "over") return;
    let data = this.written ? joined([this.written, frames]) : frames;
    const scanned = scan(data);
    const { end } = scanned;
    this.written = undefined;
    if (end !== data.length) {
      this.written = data.slice(end);
      if (scanned.ended || wireFrame(data, end)) throw new FrameError("what follows is not of the stream");
      data = data.subarray(0, end);
    }
    if (end > 0) this.forward(data, scanned);
  }

  /** The local program is gone, perhaps in the middle of a frame: say END in its place, unless it did. */
  end(): void {
    this.written = undefined;
    if (!this.endedHere) this.write(control(END));
  }

  /** Bytes written that the peer has not acknowledged. */
  get queued(): number {
    return this.sent - this.acked;
  }

  /** So many bytes of the stream have reached the local program so far. */
  delivered(total: number, now: number): void {
    if (total < this.deliveredTo || total > this.received)
      throw new RangeError(`${total} delivered of ${this.received}, ${this.deliveredTo} before`);
    this.deliveredTo = total;
    if (this.state !== "online" || total === this.acknowledged) return;
    if (total - this.acknowledged >= ACK_BYTES || (this.endedThere && total === this.received)) {
      this.acknowledge();
    } else if (this.ackDue === NEVER) {
      this.ackDue = now + ACK_DELAY;
      this.due = Math.min(this.due, this.ackDue);
    }
  }

  /** The local program is through: say BYE as soon as the peer has everything. */
  finish(): void {
    this.finishing = true;
    this.byeIfThrough();
  }

  /** Nobody here wants the link any more: keep nothing, and take nothing. */
  abandon(): void {
    this.detach();
    this.state = "over";
    this.unacked = [];
  }

  // --- the wire

  attach(now: number): void {
    if (this.state === "over") return;
    this.detach();
    this.state = "resuming";
    this.heard = now;
    this.due = now + SILENCE;
    this.outgoing.push(control(RESUME, this.received));
    this.ahead = this.fresh;
    this.fresh = false;
    if (this.ahead) for (const blob of this.unacked) this.outgoing.push(blob);
  }

  detach(): void {
    if (this.state !== "over") this.state = "offline";
    this.due = this.ackDue = this.pingDue = NEVER;
    this.outgoing = [];
    this.tail = undefined;
    this.byeSent = this.ahead = false;
  }

  /** What is to go out on the wire now, if anything is. */
  output(): Bytes | undefined {
    if (this.outgoing.length === 0) return undefined;
    const data = joined(this.outgoing);
    this.outgoing = [];
    return data;
  }

  /** Take what the wire brought; the stream frames in it, whole ones. Throws PeerError. */
  receive(data: Bytes, now: number): Bytes | undefined {
    this.heard = now;
    if (this.tail) {
      data = joined([this.tail, data]);
      this.tail = undefined;
    }
    try {
      if (this.state === "online") {
        const scanned = scan(data);
        const { end } = scanned;
        if (end > 0) this.count(end, scanned);
        return end === data.length ? data : this.receiveMixed(data, end, now);
      }
      if (this.state === "resuming") {
        if (scan(data).end > 0) throw new PeerError("stream frames before RESUME");
        return this.receiveMixed(data, 0, now);
      }
    } catch (error) {
      throw error instanceof FrameError ? new PeerError(error.message) : error;
    }
    return undefined;
  }

  handleTimer(now: number): void {
    if (now < this.due) return;
    if (now - this.due > STOPPED) this.heard = now;
    if (now >= this.heard + SILENCE) {
      this.due = NEVER;
      this.events.push("silent");
      return;
    }
    if (now >= this.ackDue) this.acknowledge();
    if (now >= this.pingDue) this.sendPing(now);
    this.due = Math.min(this.ackDue, this.pingDue, this.heard + SILENCE);
  }

  // --- inside

  private forward(frames: Bytes, scanned: Scanned): void {
    if (this.endedHere) throw new FrameError("a frame after END");
    if (scanned.markers > 0 && !this.direct) throw new FrameError("it goes away, where no direct channel is");
    this.endedHere = scanned.ended;
    const sent = this.sent + frames.length;
    const queued = sent - this.acked;
    if (queued >= WINDOW) {
      if (queued > WINDOW + SLACK) throw new RangeError(`${queued} bytes queued`);
      this.writable = false;
    }
    this.sent = sent;
    this.messagesSent += scanned.messages;
    this.rounds = Math.max(this.rounds, scanned.deepest);
    this.unacked.push(frames);
    if (this.state === "online") {
      if (this.deliveredTo - this.acknowledged >= ACK_JOIN) this.acknowledge();
      this.outgoing.push(frames);
    } else if (this.ahead) {
      this.outgoing.push(frames);
    }
  }

  private receiveMixed(data: Bytes, at: number, now: number): Bytes | undefined {
    const slices = at > 0 ? [data.subarray(0, at)] : [];
    for (let frame = wireFrame(data, at); frame; frame = wireFrame(data, at)) {
      this.wireFrame(data.subarray(at, frame.end), frame.kind, frame.number, now);
      at = frame.end;
      // `wireFrame` may have ended it, which the compiler can't see.
      if ((this.state as State) === "over") break;
      const scanned = scan(data, at);
      if (scanned.end > at) {
        this.count(scanned.end - at, scanned);
        slices.push(data.subarray(at, scanned.end));
        at = scanned.end;
      }
    }
    if (this.state !== "over" && at < data.length) this.tail = data.slice(at);
    return slices.length === 0 ? undefined : joined(slices);
  }

  private count(size: number, scanned: Scanned): void {
    if (this.endedThere) throw new PeerError("a frame after END");
    if (scanned.markers > 0 && !this.direct) throw new PeerError("it goes away, where no direct channel is");
    this.endedThere = scanned.ended;
    this.received += size;
    this.messagesReceived += scanned.messages;
    this.rounds = Math.max(this.rounds, scanned.deepest);
    if (this.received - this.deliveredTo > WINDOW + SLACK) throw new PeerError("more bytes than the window allows");
  }

  private wireFrame(frame: Uint8Array, kind: number, number: number, now: number): void {
    if (kind === BYE) {
      this.over();
    } else if ((kind === RESUME) !== (this.state === "resuming")) {
      throw new PeerError("a wire has one RESUME, before anything else");
    } else if (kind === RESUME) {
      this.resume(number, now);
    } else if (kind === ACK) {
      this.trim(number);
    } else if (kind === PING) {
      if (now - this.ponged >= PONG_PAUSE) {
        this.ponged = now;
        this.outgoing.push(pong(frame));
      }
    } else if (this.pingOpen && number === this.ping) {
      this.pingOpen = false;
      const rtt = (this.lastRtt = Math.max(now - this.pinged, 0));
      this.rtt = this.rtt === undefined ? rtt : this.rtt + (rtt - this.rtt) / 8;
    }
  }

  /** Send again from `offset` on, which must be the start of a frame that was not acknowledged. */
  private resume(offset: number, now: number): void {
    if (offset < this.acked || offset > this.sent)
      throw new PeerError(`RESUME at ${offset}, outside ${this.acked} to ${this.sent}`);
    const again: Bytes[] = [];
    let at = this.base;
    for (const blob of this.unacked) {
      if (at >= offset) {
        again.push(blob);
      } else if (at + blob.length > offset) {
        if (scan(blob.subarray(0, offset - at)).end !== offset - at) throw new PeerError(`RESUME at ${offset}, inside a frame`);
        again.push(blob.subarray(offset - at));
      }
      at += blob.length;
    }
    this.state = "online";
    this.attached++;
    this.ponged = -NEVER;
    this.pingOpen = false;
    if (this.deliveredTo > 0) this.acknowledge();
    this.sendPing(now);
    this.due = Math.min(this.pingDue, this.heard + SILENCE);
    if (!this.ahead) for (const blob of again) this.outgoing.push(blob);
    this.ahead = false;
    this.events.push("online");
    this.byeIfThrough();
  }

  private trim(offset: number): void {
    if (offset < this.acked || offset > this.sent) throw new PeerError(`ACK of ${offset}, outside ${this.acked} to ${this.sent}`);
    if (offset > this.acked) {
      this.acked = offset;
      this.events.push("taken");
    }
    const { unacked } = this;
    let gone = 0;
    while (gone < unacked.length && this.base + unacked[gone]!.length <= offset) this.base += unacked[gone++]!.length;
    if (gone > 0) unacked.splice(0, gone);
    if (this.sent - offset <= (WINDOW * 3) / 4) this.writable = true;
    this.byeIfThrough();
  }

  private acknowledge(): void {
    this.acknowledged = this.deliveredTo;
    this.ackDue = NEVER;
    this.outgoing.push(control(ACK, this.deliveredTo));
  }

  private sendPing(now: number): void {
    if (!this.pingOpen) {
      this.ping++;
      this.pinged = now;
      this.pingOpen = true;
    }
    this.pingDue = now + PING_EVERY;
    this.outgoing.push(control(PING, this.ping));
  }

  private byeIfThrough(): void {
    if (this.finishing && !this.byeSent && this.state === "online" && this.sent === this.acked) {
      this.byeSent = true;
      this.outgoing.push(control(BYE));
    }
  }

  private over(): void {
    if (!this.byeSent) this.outgoing.push(control(BYE));
    this.state = "over";
    this.due = NEVER;
    this.unacked = [];
    this.events.push("over");
  }
}
