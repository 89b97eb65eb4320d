import { expect, test } from "vitest";
import type { EventOf, PeerStats } from "../../core/protocol";
import type { Stats } from "./model";
import { SAMPLES, sampled, series } from "./stats";

function peer(pid: number, bytes: number, rtt_ms: number | undefined): PeerStats {
  return {
    ...{ name: `p${pid}`, pid, state: "computing", network: "relay", path: "", rtt_ms, queued: 0, reconnects: pid },
    ...{ bytes_sent: bytes, bytes_received: bytes, messages_sent: 1, messages_received: 1 },
  };
}

const stats = (seconds: number, ...peers: PeerStats[]): EventOf<"stats"> => ({
  ...{ event: "stats", run: 1, peers, rounds: seconds * 10, seconds, memory_mb: 0 },
});

const feed = (...events: EventOf<"stats">[]) => events.reduce<Stats | undefined>(sampled, undefined);

test("a counter is drawn as its rate", () => {
  const total = feed(stats(1, peer(1, 100, 2)), stats(3, peer(1, 300, 2)))?.total ?? [];
  expect(series(total, "bytes")).toEqual([200]);
  expect(series(total, "rounds")).toEqual([10]);
});

test("all together: sums, and the slowest peer's RTT", () => {
  const sample = feed(stats(1, peer(1, 100, 2), peer(2, 50, 30), peer(3, 0, undefined)))?.total[0];
  expect(sample).toMatchObject({ bytes: 300, messages: 6, rtt_ms: 30, reconnects: 6 });
});

test("a counter that falls, and a clock that stands, draw nothing absurd", () => {
  const total = feed(stats(1, peer(1, 500, 1)), stats(2, peer(1, 100, 1)), stats(2, peer(1, 900, 1)))?.total ?? [];
  expect(series(total, "bytes")).toEqual([0, 0]);
});

test("a peer whose RTT is unknown has no point", () => {
  const stats_ = feed(stats(1, peer(1, 0, undefined)), stats(2, peer(1, 0, 4)));
  expect(series(stats_?.byPeer["1"] ?? [], "rtt_ms")).toEqual([4]);
});

test("a long run keeps the last samples only", () => {
  const events = Array.from({ length: SAMPLES + 50 }, (_, i) => stats(i, peer(1, i, 1)));
  const total = feed(...events)?.total ?? [];
  expect(total).toHaveLength(SAMPLES);
  expect(total.at(-1)?.seconds).toBe(SAMPLES + 49);
});
