/** Counters over time: what the charts show. The page keeps the last few minutes of a run. */
import type { EventOf, PeerStats } from "../../core/protocol";
import type { Sample, Stats } from "./model";

export const SAMPLES = 240;

function ofPeer(peer: PeerStats, event: EventOf<"stats">): Sample {
  return {
    seconds: event.seconds,
    rounds: event.rounds,
    bytes: peer.bytes_sent + peer.bytes_received,
    messages: peer.messages_sent + peer.messages_received,
    rtt_ms: peer.rtt_ms,
    reconnects: peer.reconnects,
  };
}

function together(samples: Sample[], event: EventOf<"stats">): Sample {
  const rtts = samples.map((sample) => sample.rtt_ms).filter((rtt) => rtt !== undefined);
  const sum = (key: "bytes" | "messages" | "reconnects") => samples.reduce((n, sample) => n + sample[key], 0);
  return {
    seconds: event.seconds,
    rounds: event.rounds,
    bytes: sum("bytes"),
    messages: sum("messages"),
    // A round waits for the slowest.
    rtt_ms: rtts.length > 0 ? Math.max(...rtts) : undefined,
    reconnects: sum("reconnects"),
  };
}

const last = (samples: Sample[], sample: Sample) => [...samples, sample].slice(-SAMPLES);

export function sampled(stats: Stats | undefined, event: EventOf<"stats">): Stats {
  const byPeer: Record<string, Sample[]> = {};
  const samples: Sample[] = [];
  for (const peer of event.peers) {
    const sample = ofPeer(peer, event);
    samples.push(sample);
    byPeer[peer.pid] = last(stats?.byPeer[peer.pid] ?? [], sample);
  }
  return { now: event, total: last(stats?.total ?? [], together(samples, event)), byPeer };
}

export type Measure = "rounds" | "bytes" | "messages" | "rtt_ms" | "reconnects";

/** What a chart draws: RTT and reconnects as they are, the other counters as a rate per second. */
export function series(samples: readonly Sample[], measure: Measure): number[] {
  if (measure === "rtt_ms") return samples.map((sample) => sample.rtt_ms).filter((rtt) => rtt !== undefined);
  if (measure === "reconnects") return samples.map((sample) => sample.reconnects);
  return samples.slice(1).map((sample, i) => {
    const before = samples[i];
    if (!before || sample.seconds <= before.seconds) return 0;
    return Math.max(0, (sample[measure] - before[measure]) / (sample.seconds - before.seconds));
  });
}
