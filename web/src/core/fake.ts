/**
 * A session of a script: what the UI shows can be tried, and tested, without workers or peers.
 *
 * Each step is an event that is told at once, or the kind of decision that is awaited before going on.
 */
import type { Decision, Session, SessionEvent } from "./protocol";

export type Step = SessionEvent | { await: Decision["do"] };

export class FakeSession implements Session {
  /** What the page has decided so far. */
  readonly decisions: Decision[] = [];
  closed = false;
  private readonly listeners = new Set<(event: SessionEvent) => void>();
  private at = 0;

  constructor(private readonly script: readonly Step[]) {}

  /** Tell the events up to the first decision that is awaited. */
  start(): void {
    for (; this.at < this.script.length; this.at++) {
      const step = this.script[this.at];
      if (step === undefined || "await" in step) return;
      this.tell(step);
    }
  }

  /** Tell something that is not in the script. */
  tell(event: SessionEvent): void {
    for (const listener of [...this.listeners]) listener(event);
  }

  send(decision: Decision): void {
    this.decisions.push(decision);
    const step = this.script[this.at];
    if (step !== undefined && "await" in step && step.await === decision.do) {
      this.at++;
      this.start();
    }
  }

  subscribe(listener: (event: SessionEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    this.closed = true;
    this.listeners.clear();
  }
}

const ANN = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH";
const BEN = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
const SOURCE = "from mpyc.runtime import mpc\n\nasync def main():\n    await mpc.start()\n";

/** A guest's way from the link to a finished run. */
export const guestScript: readonly Step[] = [
  { event: "progress", stage: "loading", done: 0.5 },
  { event: "progress", stage: "starting", done: 1 },
  { event: "ready", did: BEN, seconds: 2.1 },
  { await: "join" },
  { event: "party", name: "Ben", did: BEN, state: "waiting", standing: "self", pid: undefined, detail: "" },
  { event: "party", name: "Ann", did: ANN, state: "admitted", standing: "new", pid: 0, detail: "" },
  { event: "party", name: "Ben", did: BEN, state: "admitted", standing: "self", pid: 1, detail: "" },
  {
    event: "program",
    entry: "secretsanta.py",
    digest: "5f".repeat(32),
    files: [{ path: "secretsanta.py", size: SOURCE.length, sha256: "a7".repeat(32) }],
    args: ["2"],
    sandbox: true,
    run: 1,
    flags: [],
  },
  { event: "files", run: 1, files: { "secretsanta.py": new TextEncoder().encode(SOURCE) } },
  { event: "words", words: ["orbit", "cannon", "velvet", "maple"], epoch: 1 },
  { event: "question", what: "accept", name: "Ann", did: ANN },
  { await: "accept" },
  { event: "party", name: "Ann", did: ANN, state: "accepted", standing: "new", pid: 0, detail: "" },
  {
    event: "sealed",
    digest: "c3".repeat(32),
    parties: [
      { pid: 0, name: "Ann", did: ANN },
      { pid: 1, name: "Ben", did: BEN },
    ],
    pid: 1,
  },
  { event: "link", peer: "Ann", network: "relay", path: "relayed by huddle.example", rtt_ms: undefined, run: 0 },
  { event: "party", name: "Ann", did: ANN, state: "connected", standing: "new", pid: 0, detail: "" },
  { event: "run", run: 1, state: "started", seconds: undefined, whose: "", peer: "", reason: "", hint: "" },
  { event: "output", stream: "stdout", text: "Your number: ", run: 1 },
  { event: "input", waiting: true, run: 1 },
  { await: "type_line" },
  { event: "input", waiting: false, run: 1 },
  { event: "output", stream: "stdout", text: "The sum is 42.\n", run: 1 },
  {
    event: "stats",
    run: 1,
    peers: [
      {
        name: "Ann",
        pid: 0,
        state: "computing",
        network: "relay",
        path: "relayed by huddle.example",
        rtt_ms: 1.2,
        bytes_sent: 400,
        bytes_received: 420,
        messages_sent: 6,
        messages_received: 6,
        queued: 0,
        reconnects: 0,
      },
    ],
    rounds: 4,
    seconds: 1,
    memory_mb: 0,
  },
  { event: "run", run: 1, state: "finished", seconds: 1.4, whose: "", peer: "", reason: "", hint: "" },
  { event: "ended", reason: "The session has ended.", clean: true, left: [] },
];

/** A host's way to the same. */
export const hostScript: readonly Step[] = [
  { event: "ready", did: ANN, seconds: 0.9 },
  { await: "host" },
  { event: "party", name: "Ann", did: ANN, state: "admitted", standing: "self", pid: undefined, detail: "" },
  { event: "invitation", url: "https://huddle.example/j#AbCdEf", code: "7-guitar-lemon" },
  { event: "party", name: "Ben", did: BEN, state: "waiting", standing: "new", pid: undefined, detail: "" },
  { event: "question", what: "admit", name: "Ben", did: BEN },
  { await: "admit" },
  { event: "party", name: "Ben", did: BEN, state: "admitted", standing: "new", pid: 1, detail: "" },
  ...guestScript.slice(7, 8),
  { event: "words", words: ["orbit", "cannon", "velvet", "maple"], epoch: 1 },
  { event: "question", what: "accept", name: "Ann", did: ANN },
  { await: "accept" },
  {
    event: "sealed",
    digest: "c3".repeat(32),
    parties: [
      { pid: 0, name: "Ann", did: ANN },
      { pid: 1, name: "Ben", did: BEN },
    ],
    pid: 0,
  },
  { event: "run", run: 1, state: "started", seconds: undefined, whose: "", peer: "", reason: "", hint: "" },
  { event: "output", stream: "stdout", text: "The sum is 42.\n", run: 1 },
  { event: "run", run: 1, state: "finished", seconds: 1.4, whose: "", peer: "", reason: "", hint: "" },
  { event: "question", what: "again", name: "", did: "" },
  { await: "finish" },
  { event: "ended", reason: "The session has ended.", clean: true, left: [] },
];
