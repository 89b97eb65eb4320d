/**
 * The frames of a link, as huddle/links/frames.py describes them, for the machine in link.ts: what a
 * frame means and how long it may be. The vectors of tests/vectors/links.json hold for both.
 */

export type Bytes = Uint8Array<ArrayBuffer>;

export const DATA = 1;
export const EOF = 2;
export const END = 3;
/** Between programs in browsers alone: what follows comes by the direct channel of that number. */
export const AWAY = 4;
/** What follows comes by the link again, from that offset of what the direct channel carried. */
export const BACK = 5;
export const ACK = 17;
export const RESUME = 18;
export const PING = 19;
export const PONG = 20;
export const BYE = 21;

export const HEADER = 8;
export const MAX_PAYLOAD = 65_536;

const DATA_HEAD = DATA << 24;
const MARKERS = [AWAY, BACK];
const MARKER_HEADS = new Set(MARKERS.map((kind) => (kind << 24) | 8));
const WIRE_NUMBERED = [ACK, RESUME, PING, PONG];
const NUMBERED = new Set([...MARKERS, ...WIRE_NUMBERED]);
const WIRE = new Set([...WIRE_NUMBERED.map((kind) => (kind << 24) | 8), BYE << 24]);
const U32 = 2 ** 32;

/** The bytes are no frames of the kinds that may stand here. */
export class FrameError extends Error {}

/** Where whole stream frames end, how many are DATA, or AWAY and BACK, their largest depth, whether the last is END. */
export interface Scanned {
  end: number;
  messages: number;
  markers: number;
  deepest: number;
  ended: boolean;
}

/** A wire frame, its number (0 where it has none), and where it ends. */
export interface WireFrame {
  kind: number;
  number: number;
  end: number;
}

function u32(data: Uint8Array, at: number): number {
  return ((data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!) >>> 0;
}

/** Walk over the whole stream frames from `at` on; throws FrameError where the next bytes can't be any frame. */
export function scan(data: Uint8Array, at = 0): Scanned {
  const size = data.length;
  let messages = 0;
  let markers = 0;
  let deepest = 0;
  while (at + HEADER <= size) {
    const head = u32(data, at);
    const depth = u32(data, at + 4);
    const length = head - DATA_HEAD;
    if (length > 0 && length <= MAX_PAYLOAD) {
      const end = at + HEADER + length;
      if (end > size) break;
      at = end;
      messages++;
      if (depth > deepest) deepest = depth;
    } else if (head === EOF << 24 && depth === 0) {
      at += HEADER;
    } else if (head === END << 24 && depth === 0) {
      return { end: at + HEADER, messages, markers, deepest, ended: true };
    } else if (WIRE.has(head) && depth === 0) {
      break;
    } else if (MARKER_HEADS.has(head) && depth === 0) {
      if (at + 2 * HEADER > size) break;
      at += 2 * HEADER;
      markers++;
    } else {
      throw new FrameError(`no frame starts with 0x${head.toString(16).padStart(8, "0")}, depth ${depth}`);
    }
  }
  return { end: at, messages, markers, deepest, ended: false };
}

/** Whole stream frames, cut behind each AWAY and BACK, and before each; `number` is that of such a one. */
export function parts(data: Bytes): { kind: number; number: number; frames: Bytes }[] {
  if (scan(data).markers === 0) return [{ kind: DATA, number: 0, frames: data }];
  const found: { kind: number; number: number; frames: Bytes }[] = [];
  let from = 0;
  for (let at = 0; at < data.length; ) {
    const head = u32(data, at);
    const end = at + HEADER + (head & 0xffffff);
    if (MARKER_HEADS.has(head)) {
      if (at > from) found.push({ kind: DATA, number: 0, frames: data.subarray(from, at) });
      found.push({ kind: head >>> 24, number: u32(data, at + 8) * U32 + u32(data, at + 12), frames: data.subarray(at, end) });
      from = end;
    }
    at = end;
  }
  if (from < data.length) found.push({ kind: DATA, number: 0, frames: data.subarray(from) });
  return found;
}

/** The whole wire frame at `at`, if one stands there. */
export function wireFrame(data: Uint8Array, at = 0): WireFrame | undefined {
  if (at + HEADER > data.length) return undefined;
  const head = u32(data, at);
  const end = at + HEADER + (head & 0xffffff);
  if (!WIRE.has(head) || u32(data, at + 4) !== 0 || end > data.length) return undefined;
  const kind = head >>> 24;
  // Larger ones than a number can hold are of no honest peer, and outside whatever an offset may be.
  const number = NUMBERED.has(kind) ? u32(data, at + 8) * U32 + u32(data, at + 12) : 0;
  return { kind, number, end };
}

/** Any frame but DATA; `number` is what its kind carries, if it carries one. */
export function control(kind: number, number = 0): Bytes {
  const numbered = NUMBERED.has(kind);
  const frame = new Uint8Array(numbered ? 16 : HEADER);
  const view = new DataView(frame.buffer);
  view.setUint32(0, (kind << 24) | (numbered ? 8 : 0));
  if (numbered) {
    view.setUint32(8, Math.floor(number / U32));
    view.setUint32(12, number % U32);
  }
  return frame;
}

/** The answer to that PING, whatever number it has. */
export function pong(ping: Uint8Array): Bytes {
  const frame = new Uint8Array(ping);
  frame[0] = PONG;
  return frame;
}

/** Some pieces in one. */
export function joined(pieces: readonly Bytes[]): Bytes {
  if (pieces.length === 1) return pieces[0]!;
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
