/** The record layer of browsers, over sockets that cut, change, repeat and leave out; the same bytes as Python's. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { joined, type Bytes } from "../src/core/frames";
import { Mailbox } from "../src/core/mailbox";
import { Records } from "../src/core/records";
import type { Taker } from "../src/core/socket";

const vectors = join(import.meta.dirname, "../../tests/vectors/links.json");
const { proofs } = JSON.parse(readFileSync(vectors, "utf8")) as {
  proofs: { record_key_of_initiator: string; records_of_initiator: { plain: string[]; wire: string } }[];
};

const bytes = (hex: string): Bytes => new Uint8Array(Buffer.from(hex, "hex"));
const text = (said: string): Bytes => new Uint8Array(Buffer.from(said));
const [ONE, OTHER] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

/** As much of a WebSocket as the record layer uses. */
class Line {
  sent: Bytes[] = [];
  taker: Taker | undefined;

  divert(taker: Taker): void {
    this.taker = taker;
  }

  send(data: Bytes): void {
    this.sent.push(data);
  }
}

/** One end, what it got, and what it says is wrong. */
function end(sending = ONE, receiving = OTHER): { line: Line; box: Mailbox; records: Records; got: Bytes[]; faults: () => unknown[] } {
  const [line, box, got] = [new Line(), new Mailbox(), [] as Bytes[]];
  const records = new Records(box, line, sending, receiving);
  const faults = (): unknown[] => (box.take() ?? []).filter((_, at) => at % 3 === 2);
  return { line, box, records, got, faults };
}

/** The records of these pieces, and an end that can open them. */
async function sealed(...pieces: Bytes[]): Promise<{ sent: Bytes[]; reader: ReturnType<typeof end> }> {
  const [writer, reader] = [end(), end(OTHER, ONE)];
  for (const piece of pieces) writer.records.send(piece);
  await writer.records.flushed();
  reader.records.divert((data) => reader.got.push(new Uint8Array(data)));
  return { sent: writer.line.sent, reader };
}

test.each(proofs)("they are those of the vectors", async ({ record_key_of_initiator: key, records_of_initiator: { plain, wire } }) => {
  const { records, line } = end(bytes(key), bytes(key));
  for (const piece of plain) records.send(bytes(piece));
  await records.flushed();
  expect(Buffer.from(joined(line.sent)).toString("hex")).toBe(wire);
});

test("what is sent arrives in its order, cut anywhere, though short records open sooner than long ones", async () => {
  const pieces = Array.from({ length: 60 }, (_, number) => new Uint8Array(number % 3 === 0 ? 150_000 : number).fill(number));
  const { sent, reader } = await sealed(...pieces);
  const all = joined(sent);
  for (let at = 0, size = 1; at < all.length; at += size, size = (size * 7 + 3) % 200_000) reader.records.arrived(all.slice(at, at + size));
  await reader.records.settled();
  expect(Buffer.compare(joined(reader.got), joined(pieces))).toBe(0);
  expect(reader.faults()).toEqual([]);
  expect(reader.records.inside).toBe(false);
});

test("what came before anybody takes it is kept, and whether a record is whole", async () => {
  const { sent } = await sealed(text("early"), text("later"));
  const reader = end(OTHER, ONE);
  reader.records.arrived(sent[0]!);
  reader.records.arrived(sent[1]!.slice(0, 9));
  await reader.records.settled();
  expect(reader.records.inside).toBe(true);
  reader.records.divert((data) => reader.got.push(new Uint8Array(data)));
  expect(reader.line.taker).toBe(reader.records);
  reader.records.arrived(sent[1]!.slice(9));
  await reader.records.settled();
  expect(reader.got).toEqual([text("early"), text("later")]);
});

const changed = (record: Bytes, at: number): Bytes => record.map((byte, index) => (index === at ? byte ^ 1 : byte));

test.each<[string, (sent: Bytes[]) => Bytes[], string]>([
  ["changed in its text", ([a, b, c]) => [a!, changed(b!, 6), c!], "record 1 was changed, repeated or left out on its way"],
  ["changed at its end", ([a, b, c]) => [a!, changed(b!, b!.length - 1), c!], "record 1 was changed, repeated or left out on its way"],
  ["repeated", ([a, , c]) => [a!, a!, c!], "record 1 was changed, repeated or left out on its way"],
  ["left out", ([a, , c]) => [a!, c!], "record 1 was changed, repeated or left out on its way"],
  ["put elsewhere", ([a, b, c]) => [a!, c!, b!], "record 1 was changed, repeated or left out on its way"],
  ["too short to be one", ([a, , c]) => [a!, bytes("00000010"), c!], "a record of 16 bytes"],
  ["too long to be one", ([a, , c]) => [a!, bytes("00010011"), c!], "a record of 65553 bytes"],
])("a record that is %s ends the wire, behind what came before it", async (_, how, fault) => {
  const { sent, reader } = await sealed(text("first"), text("second"), text("third"));
  for (const part of how(sent)) reader.records.arrived(part);
  await reader.records.settled();
  expect(reader.got).toEqual([text("first")]);
  expect(reader.faults()).toEqual([fault]);
});
