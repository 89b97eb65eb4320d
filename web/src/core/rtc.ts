/**
 * WebRTC of the session worker: connections live in the page, which alone may make them, and their data
 * channels here. Python (huddle/networks/webrtc/browser.py) hears of both by notes.
 *
 *   session -> page    { open: id, servers, way }   { describe: id }   { answer: id, sdp }   { candidate: id, line }
 *                      { make: id, number, label }   { count: id }   { close: id }
 *   page -> session    { id, made: number, channel | port }   { id, came: label, channel | port }
 *                      { id, described: sdp }   { id, found: line }   { id, pair }   { id, counted }   { id, over: reason }
 *
 * A run's direct channels are made in the runner's frame instead, which gives them to its worker; it hears the same.
 *
 * A channel is transferred as soon as it is made; where a browser can't do that, the page pumps its messages
 * to and from a port (`rtc-page.ts`).
 */
import type { Bytes } from "./frames";
import type { Mailbox } from "./mailbox";

export type ToPage =
  | { open: number; servers: RTCIceServer[]; way: Way | undefined }
  | { describe: number }
  | { answer: number; sdp: string }
  | { candidate: number; line: string }
  | { make: number; number: number; label: string }
  | { count: number }
  | { close: number };

/** Which direct channel of a run it is: to this peer, of this number, which both ends count alike. */
export interface Way {
  peer: number;
  number: number;
}

export type FromPage = { id: number } & (
  | { made: number; end: End }
  | { came: string; end: End }
  | { described: string }
  | { found: string }
  | { pair: { local: string; remote: string } }
  | { counted: Counted }
  | { over: string }
);

/** What a connection has brought, in bytes, and its round trip in seconds, where the browser knows it. */
export interface Counted {
  bytes: number;
  rtt: number | undefined;
}

/** A data channel itself, or a port behind which the page has it. */
export type End = RTCDataChannel | MessagePort;

/** What a port says of the channel behind it: that it is open, closed, or has sent so many bytes. */
export type Pumped = ArrayBuffer | { open: true } | { closed: true } | { sent: number };

// Kinds of a connection's notes,
const DESCRIBED = 1;
const CANDIDATE = 2;
const CHANNEL = 3;
const PAIR = 4;
const OVER = 5;
// and of a channel's.
const OPEN = 1;
const DATA = 2;
const CLOSED = 3;

/** Bytes in the browser's own buffer, over which a channel keeps what is sent to itself. */
const MOST_BUFFERED = 1 << 20;
/** Many times the window of a link: no honest peer sends so much before Python has looked. */
const MOST_UNREAD = 64 << 20;

/** All connections of a session worker. */
export class Rtc {
  /** By which connections are made here; none before the first. */
  servers: string | undefined;
  private readonly connections = new Map<number, RtcConnection>();

  constructor(
    private readonly box: Mailbox,
    private readonly page: MessagePort,
  ) {
    page.onmessage = ({ data }: MessageEvent<FromPage>) => {
      const connection = this.connections.get(data.id);
      if (connection) connection.heard(data);
      else if ("end" in data) shut(data.end);
    };
  }

  /** A new connection, by these servers as JSON; `way`: for a direct channel. */
  open(servers: string, way?: Way): RtcConnection {
    this.servers = servers;
    const connection = new RtcConnection(this.box, (message) => {
      if ("close" in message) this.connections.delete(message.close);
      this.page.postMessage(message);
    });
    this.connections.set(connection.id, connection);
    const usable = (JSON.parse(servers) as RTCIceServer[]).map((one) => (one.username ? one : { urls: one.urls }));
    this.page.postMessage({ open: connection.id, servers: usable, way } satisfies ToPage);
    return connection;
  }
}

export class RtcConnection {
  readonly id: number;
  /** Channel 0, which both ends make. */
  readonly first: RtcChannel;
  private readonly made: RtcChannel[] = [];
  private counting: ((counted: Counted) => void) | undefined;

  constructor(
    private readonly box: Mailbox,
    private readonly tell: (message: ToPage) => void,
  ) {
    this.id = box.nextId();
    this.first = new RtcChannel(box, "control");
    this.made.push(this.first);
  }

  describe(): void {
    this.tell({ describe: this.id });
  }

  answer(sdp: string): void {
    this.tell({ answer: this.id, sdp });
  }

  candidate(line: string): void {
    this.tell({ candidate: this.id, line });
  }

  /** A new channel, which the peer is told of; it may be sent on at once. */
  channel(label: string): RtcChannel {
    const channel = new RtcChannel(this.box, label);
    this.tell({ make: this.id, number: this.made.push(channel) - 1, label });
    return channel;
  }

  /** What its channels have brought, as the browser counts it below whoever has them. */
  count(counted: (counted: Counted) => void): void {
    this.counting = counted;
    this.tell({ count: this.id });
  }

  close(): void {
    this.tell({ close: this.id });
  }

  heard(said: FromPage): void {
    if ("made" in said) {
      this.made[said.made]?.attach(said.end);
    } else if ("came" in said) {
      const channel = new RtcChannel(this.box, said.came);
      this.box.note(this.id, CHANNEL, channel);
      channel.attach(said.end);
    } else if ("described" in said) {
      this.box.note(this.id, DESCRIBED, said.described);
    } else if ("found" in said) {
      this.box.note(this.id, CANDIDATE, said.found);
    } else if ("counted" in said) {
      this.counting?.(said.counted);
    } else if ("pair" in said) {
      this.box.note(this.id, PAIR, said.pair);
    } else {
      this.box.note(this.id, OVER, said.over);
    }
  }
}

export class RtcChannel {
  readonly id: number;
  /** Bytes that wait here to be sent. */
  unsent = 0;
  private end: End | undefined;
  private open = false;
  private over = false;
  private closing = false;
  private buffered = 0;
  private waiting: Bytes[] = [];
  private arrived: ArrayBuffer[] = [];
  private unread = 0;
  /** Who takes what arrives, where that is not Python. */
  private sink: ((data: ArrayBuffer) => void) | undefined;
  private heardAt = performance.now();

  constructor(
    private readonly box: Mailbox,
    readonly label: string,
  ) {
    this.id = box.nextId();
  }

  /** The page has made it. */
  attach(end: End): void {
    if (this.over) {
      shut(end);
      return;
    }
    this.end = end;
    if (end instanceof MessagePort) {
      end.onmessage = ({ data }: MessageEvent<Pumped>) => {
        if (data instanceof ArrayBuffer) this.received(data);
        else if ("open" in data) this.opened();
        else if ("sent" in data) this.sent(data.sent);
        else this.closed("closed by the other end");
      };
      return;
    }
    end.binaryType = "arraybuffer";
    end.bufferedAmountLowThreshold = MOST_BUFFERED / 2;
    end.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (typeof data === "string") this.closed("a text message");
      else this.received(data);
    };
    end.onbufferedamountlow = () => this.pump();
    end.onclose = () => this.closed("closed by the other end");
    end.onopen = () => this.opened();
    if (end.readyState === "open") this.opened();
    else if (end.readyState === "closed") this.closed("closed by the other end");
  }

  send(data: Bytes): void {
    if (this.over || this.closing) return;
    if (this.waiting.length === 0 && this.room()) {
      this.put(data);
    } else {
      this.waiting.push(data);
      this.unsent += data.length;
    }
  }

  /** From now on this takes what arrives, and first what Python has not taken; Python is told of the end. */
  divert(sink: (data: ArrayBuffer) => void): void {
    const { arrived } = this;
    this.arrived = [];
    this.unread = 0;
    this.sink = sink;
    for (const data of arrived) sink(data);
  }

  /** Seconds since something arrived. */
  quiet(): number {
    return (performance.now() - this.heardAt) / 1000;
  }

  /** All that has come since the last call, in one piece; undefined where there is nothing. */
  take(): Uint8Array | undefined {
    const { arrived } = this;
    if (arrived.length === 0) return undefined;
    this.arrived = [];
    const size = this.unread;
    this.unread = 0;
    if (arrived.length === 1) return new Uint8Array(arrived[0]!);
    const all = new Uint8Array(size);
    let at = 0;
    for (const part of arrived) {
      all.set(new Uint8Array(part), at);
      at += part.byteLength;
    }
    return all;
  }

  /** Send what is left, then close. */
  close(): void {
    this.closing = true;
    if (!this.end) this.closed("closed here");
    else if (this.waiting.length === 0) shut(this.end);
  }

  /** Close it at once; nothing of it is wanted any more. */
  drop(): void {
    this.over = true;
    this.sink = undefined;
    this.waiting = [];
    this.arrived = [];
    if (this.end) shut(this.end);
  }

  private room(): boolean {
    if (!this.open || !this.end) return false;
    return (this.end instanceof MessagePort ? this.buffered : this.end.bufferedAmount) < MOST_BUFFERED;
  }

  private put(data: Bytes): void {
    if (this.end instanceof MessagePort) {
      this.buffered += data.length;
      const { buffer } = data.slice(); // a link keeps what it sends
      this.end.postMessage(buffer, [buffer]);
      return;
    }
    try {
      this.end?.send(data);
    } catch {
      // It was closed a moment ago, as its event is about to say.
    }
  }

  private pump(): void {
    while (this.waiting.length > 0 && this.room()) {
      const data = this.waiting.shift()!;
      this.unsent -= data.length;
      this.put(data);
    }
    if (this.closing && this.waiting.length === 0 && this.end) shut(this.end);
  }

  private sent(size: number): void {
    this.buffered -= size;
    this.pump();
  }

  private opened(): void {
    if (this.open || this.over) return;
    this.open = true;
    this.box.note(this.id, OPEN, undefined);
    this.pump();
  }

  private received(data: ArrayBuffer): void {
    if (this.over) return;
    this.heardAt = performance.now();
    if (this.sink) {
      this.sink(data);
      return;
    }
    this.unread += data.byteLength;
    if (this.unread > MOST_UNREAD) {
      this.closed("more than a link may send");
      return;
    }
    if (this.arrived.push(data) === 1) this.box.note(this.id, DATA, undefined);
  }

  private closed(reason: string): void {
    if (this.over) return;
    this.over = true;
    if (this.end) shut(this.end);
    this.box.note(this.id, CLOSED, reason);
  }
}

/** Close a channel once it has sent what it was given. */
function shut(end: End): void {
  if (end instanceof MessagePort) end.postMessage({ close: true });
  else end.close();
}
