/** A WebSocket of a worker, for Python (`BrowserSocket` of huddle/browser/loop.py), or for whoever it is diverted to. */
import type { Bytes } from "./frames";
import type { Mailbox } from "./mailbox";

/** Who takes what a WebSocket brings, in Python's place, and gives it what to send. */
export interface Taker {
  /** A message came. */
  arrived(data: Bytes): void;
  /** Resolves when all that came before is dealt with. */
  settled(): Promise<void>;
  /** Resolves when all that was to go out is given to the socket. */
  flushed(): Promise<void>;
}

/** Its notes are: 0 open, 1 a message to `take`, 2 closed, with a reason. */
export class Socket {
  readonly id: number;
  private readonly socket: WebSocket;
  private waiting: Bytes[] = [];
  private taker: Taker | undefined;

  constructor(box: Mailbox, url: string) {
    this.id = box.nextId();
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => box.note(this.id, 0, undefined);
    this.socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (typeof data === "string") {
        this.socket.close();
      } else if (this.taker) {
        this.taker.arrived(new Uint8Array(data));
      } else {
        this.waiting.push(new Uint8Array(data));
        box.note(this.id, 1, undefined);
      }
    };
    this.socket.onclose = async ({ reason }) => {
      // What came before it is told before it.
      await this.taker?.settled();
      box.note(this.id, 2, reason);
    };
  }

  get open(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** The next message; none once they go elsewhere. */
  take(): Bytes | undefined {
    return this.waiting.shift();
  }

  /** This takes what comes from now on, and first what nobody has taken. */
  divert(taker: Taker): void {
    this.taker = taker;
    for (const data of this.waiting.splice(0)) taker.arrived(data);
  }

  send(data: Bytes): void {
    this.socket.send(data);
  }

  /** Send what was given before, then close. */
  close(): void {
    if (this.taker) void this.taker.flushed().then(() => this.socket.close());
    else this.socket.close();
  }
}
