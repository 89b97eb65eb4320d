/** The link of browsers does at each step what Python's does: tests/unit/links/vectors.py. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FrameError, MAX_PAYLOAD, control, pong, scan, wireFrame, type Bytes } from "../src/core/frames";
import * as frames from "../src/core/frames";
import { Link, NEVER, PeerError } from "../src/core/link";

type Step = [what: string, value: string | number, now: number, came: Record<string, unknown>];

const vectors = (name: string): unknown => JSON.parse(readFileSync(join(import.meta.dirname, "../../tests/vectors", name), "utf8"));
const { scenarios } = vectors("link.json") as { scenarios: { name: string; steps: Step[] }[] };
const { frames: kinds } = vectors("links.json") as { frames: { kind: "DATA"; number?: number; frame: string }[] };

const bytes = (hex: string): Bytes => new Uint8Array(Buffer.from(hex, "hex"));

function meant(text: string): Bytes {
  if (!text.startsWith("fill ")) return bytes(text);
  const one = MAX_PAYLOAD + 8;
  const all = new Uint8Array(Number(text.slice(5)) * one);
  for (let at = 0; at < all.length; at += one) all.set([1, 1, 0, 0, 0, 0, 0, 1], at);
  return all;
}

function told(data: Bytes | undefined): string {
  if (!data) return "";
  return data.length <= 64 ? Buffer.from(data).toString("hex") : `${data.length} ${createHash("sha256").update(data).digest("hex")}`;
}

/** Do one step; what came of it, as the file has it. */
function done(link: Link, what: string, value: string | number, now: number): Record<string, unknown> {
  let error = "";
  let got: Bytes | undefined;
  try {
    if (what === "write") link.write(meant(String(value)));
    else if (what === "receive") got = link.receive(meant(String(value)), now);
    else if (what === "delivered") link.delivered(Number(value), now);
    else if (what === "attach") link.attach(now);
    else if (what === "timer") link.handleTimer(now);
    else link[what as "detach" | "finish" | "abandon"]();
  } catch (problem) {
    if (problem instanceof RangeError) error = "full";
    else if (problem instanceof FrameError || problem instanceof PeerError) error = problem.message;
    else throw problem;
  }
  const time = (seconds: number | undefined): number | null => (seconds === undefined || seconds === NEVER ? null : Number(seconds.toFixed(6)));
  const state = [
    ...[link.state, link.writable, link.sent, link.acked, link.received, link.deliveredTo, link.messagesSent, link.messagesReceived],
    ...[link.rounds, link.attached, link.endedHere, link.endedThere, time(link.rtt), time(link.lastRtt), time(link.due)],
  ];
  const events = link.events;
  link.events = [];
  const came = { out: told(link.output()), frames: told(got), error, events, state };
  return Object.fromEntries(Object.entries(came).filter(([, value]) => value.length > 0));
}

test.each(scenarios)("$name", ({ steps }) => {
  const link = new Link();
  for (const [what, value, now, came] of steps) expect([what, value, now, done(link, what, value, now)]).toEqual([what, value, now, came]);
});

test("the steps are not few", () => {
  expect(scenarios.length).toBeGreaterThan(30);
});

test.each(kinds)("a frame $kind is the same here", ({ kind, number, frame }) => {
  if ((kind as string) === "DATA") expect(scan(bytes(frame))).toEqual({ end: frame.length / 2, messages: 1, markers: 0, deepest: 7, ended: false });
  else expect(told(control(frames[kind], number))).toBe(frame);
  if (number !== undefined) expect(wireFrame(bytes(frame))).toEqual({ kind: frames[kind], number, end: 16 });
});

test("a PING comes back whatever its number is", () => {
  expect(told(pong(bytes("1300000800000000ffffffffffffffff")))).toBe("1400000800000000ffffffffffffffff");
});
