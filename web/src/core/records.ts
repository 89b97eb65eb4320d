/**
 * The record layer of huddle/links/record_layer.py in JavaScript, for a data link that goes by a WebSocket: so a message
 * by `relay` costs no Python in the session worker. The format, and what a fault means, are described there; the
 * vectors of tests/vectors/links.json hold for both.
 *
 * WebCrypto answers by promises, several at once; what goes out and what comes in keep their order all the same.
 */
import { joined, type Bytes } from "./frames";
import type { Mailbox } from "./mailbox";
import type { Socket, Taker } from "./socket";
import * as webcrypto from "./webcrypto";

const MAX_RECORD = 65_536;
const TAG = 16;
const HEADER = 4;

/** The note, with what is wrong: the wire is to be dropped. */
const FAULT = 1;

/** As much of a data channel as a data link uses. */
export class Records implements Taker {
  readonly id: number;
  /** What a record has so far of which the rest has not come. */
  private part: Bytes | undefined;
  private sent = 0;
  private received = 0;
  private outgoing: Promise<void> = Promise.resolve();
  private incoming: Promise<void> = Promise.resolve();
  private faulty = false;
  private opened: Bytes[] = [];
  private sink: ((data: ArrayBuffer) => void) | undefined;
  private readonly sending: Promise<CryptoKey>;
  private readonly receiving: Promise<CryptoKey>;

  constructor(
    private readonly box: Mailbox,
    private readonly socket: Pick<Socket, "divert" | "send">,
    sending: Bytes,
    receiving: Bytes,
  ) {
    this.id = box.nextId();
    this.sending = webcrypto.sealingKey(sending);
    this.receiving = webcrypto.sealingKey(receiving);
  }

  /** Whether the wire ended inside a record, if it ends now. */
  get inside(): boolean {
    return this.part !== undefined;
  }

  /** From now on this takes what the records hold, and no Python what comes. */
  divert(sink: (data: ArrayBuffer) => void): void {
    this.sink = sink;
    for (const data of this.opened.splice(0)) sink(data.buffer);
    this.socket.divert(this);
  }

  send(data: Bytes): void {
    for (let at = 0; at < data.length; at += MAX_RECORD) {
      const sealed = this.seal(data.subarray(at, at + MAX_RECORD));
      this.outgoing = this.outgoing.then(async () => this.socket.send(await sealed));
    }
  }

  arrived(data: Bytes): void {
    if (this.faulty) return;
    const bytes = this.part ? joined([this.part, data]) : data;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    while (at + HEADER <= bytes.length) {
      const length = view.getUint32(at);
      if (length <= TAG || length > MAX_RECORD + TAG) return this.fail(`a record of ${length} bytes`);
      const end = at + HEADER + length;
      if (end > bytes.length) break;
      const plain = this.open(bytes.subarray(at, at + HEADER), bytes.subarray(at + HEADER, end));
      this.incoming = this.incoming.then(async () => this.bring(await plain));
      at = end;
    }
    this.part = at < bytes.length ? bytes.slice(at) : undefined;
  }

  settled(): Promise<void> {
    return this.incoming;
  }

  flushed(): Promise<void> {
    return this.outgoing;
  }

  private async seal(data: Bytes): Promise<Bytes> {
    const record = new Uint8Array(HEADER + data.length + TAG);
    new DataView(record.buffer).setUint32(0, data.length + TAG);
    const header = record.subarray(0, HEADER);
    const number = nonce(this.sent++);
    record.set(await webcrypto.seal(await this.sending, number, data, header), HEADER);
    return record;
  }

  /** What a record holds; or what is wrong with it. */
  private async open(header: Bytes, sealed: Bytes): Promise<Bytes | string> {
    const number = this.received++;
    const plain = await webcrypto.open(await this.receiving, nonce(number), sealed, header);
    return plain ?? `record ${number} was changed, repeated or left out on its way`;
  }

  private bring(plain: Bytes | string): void {
    if (typeof plain === "string") this.fault(plain);
    else if (this.faulty) return;
    else if (this.sink) this.sink(plain.buffer);
    else this.opened.push(plain);
  }

  /** After all that came before. */
  private fail(reason: string): void {
    this.part = undefined;
    this.incoming = this.incoming.then(() => this.fault(reason));
  }

  private fault(reason: string): void {
    if (this.faulty) return;
    this.faulty = true;
    this.box.note(this.id, FAULT, reason);
  }
}

function nonce(number: number): Bytes {
  const made = new Uint8Array(12);
  const view = new DataView(made.buffer);
  view.setUint32(4, Math.floor(number / 2 ** 32));
  view.setUint32(8, number >>> 0);
  return made;
}
