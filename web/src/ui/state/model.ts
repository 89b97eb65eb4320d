/**
 * What the page knows of one session: plain values, made only by `reduce` (reduce.ts) from events and
 * decisions. Nothing here knows the screen, the worker or the clock: times are given, in milliseconds.
 */
import type { EventOf, Form, Member, PartyState, ProgramFile, Standing, Whose } from "../../core/protocol";

export interface Link {
  network: string;
  path: string;
  rtt_ms: number | undefined;
  /** False from the loss of its wire until it has another. */
  up: boolean;
}

export interface Party {
  did: string;
  name: string;
  state: PartyState;
  standing: Standing;
  pid: number | undefined;
  detail: string;
  /** This person heard that party say the words that are shown now. */
  heard: boolean;
  /** This person, the host, has sent it away; it waits to be called back until its state is `left`. */
  refused: boolean;
  link: Link | undefined;
}

export interface ProgramView {
  entry: string;
  digest: string;
  files: ProgramFile[];
  args: string[];
  flags: string[];
  sandbox: boolean;
  run: number;
  /** The files themselves, once they are here. */
  contents: Record<string, Uint8Array> | undefined;
  /** What it asks of this person alone, once that is known. */
  form: Form | undefined;
}

export type Question = Omit<EventOf<"question">, "event">;

/** A piece of what the program wrote, or was told (`typed`); `at` counts characters from the run's beginning. */
export interface Chunk {
  at: number;
  stream: "stdout" | "stderr" | "typed";
  text: string;
}

/** The counters at one moment: of all peers together, or of one. */
export interface Sample {
  seconds: number;
  rounds: number;
  bytes: number;
  messages: number;
  rtt_ms: number | undefined;
  reconnects: number;
}

export interface Stats {
  now: EventOf<"stats">;
  total: Sample[];
  byPeer: Record<string, Sample[]>;
}

export interface Run {
  run: number;
  entry: string;
  digest: string;
  args: string[];
  state: "running" | "finished" | "failed";
  /** Wall clock in milliseconds. */
  startedAt: number;
  seconds: number | undefined;
  whose: Whose | "";
  peer: string;
  reason: string;
  hint: string;
  output: Chunk[];
  /** Characters that were written in all; the first of them may be dropped from `output`. */
  length: number;
  waitsForInput: boolean;
  /** What it waits for is a secret, as of `getpass`. */
  hidden: boolean;
  stats: Stats | undefined;
  written: Record<string, Uint8Array>;
  stopping: boolean;
  /** Somebody ended it on purpose. */
  stopped: boolean;
  /** What the person needs who runs the program by plain MPyC. */
  plain: Plain | undefined;
}

export type Plain = Omit<EventOf<"plain">, "event" | "run">;

export interface Said {
  name: string;
  text: string;
  at: number;
}

/** Something that a person should know. */
export interface Message {
  id: number;
  kind: "notice" | "error";
  whose: Whose | "";
  peer: string;
  text: string;
  hint: string;
}

/** One step of the set-up and when it was done, in milliseconds since the page began to get ready. */
export interface Milestone {
  label: string;
  at: number;
}

export interface View {
  began: number;
  progress: Omit<EventOf<"progress">, "event"> | undefined;
  ready: { did: string; seconds: number } | undefined;
  /** Why `host` or `join` could not begin as it was asked for. */
  rejected: { message: string; hint: string } | undefined;
  /** What was found out about a program that was looked at before anybody is invited. */
  examined: Omit<EventOf<"examined">, "event"> | undefined;
  /** What is wrong with the answers to either form, by option; undefined until they were looked at. */
  checked: { shared: Record<string, string> | undefined; own: Record<string, string> | undefined };
  /** Wall clock of the last thing that happened before the first run, in milliseconds. */
  lastNews: number;
  broken: { message: string; hint: string } | undefined;
  role: "host" | "guest" | undefined;
  /** How many take part, where that is known before all are here. */
  planned: number | undefined;
  threshold: number | undefined;
  stay: boolean;
  invitation: { url: string; code: string } | undefined;
  parties: Party[];
  program: ProgramView | undefined;
  words: { words: string[]; epoch: number } | undefined;
  /** A guest: where it stands before the start, by the host's word. */
  lobby: EventOf<"lobby"> | undefined;
  /** Why all are to be asked once more, until they are. */
  askedAgain: string;
  /** In a class: the group of this person, 0 while they wait to be dealt to one; and who deals. */
  group: Omit<EventOf<"group">, "event"> | undefined;
  /** Who has said that the words differ, and in which attempt. */
  differed: { name: string; mine: boolean; epoch: number } | undefined;
  questions: Question[];
  /** What this person has answered to the question about roster and program. */
  answer: "accepted" | "declined" | undefined;
  sealed: { digest: string; members: Member[]; pid: number } | undefined;
  runs: Run[];
  chat: Said[];
  messages: Message[];
  /** The id of the latest, which may be gone. */
  lastMessage: number;
  milestones: Milestone[];
  record: Uint8Array | undefined;
  leaving: boolean;
  ended: { reason: string; clean: boolean; left: string[] } | undefined;
}

export function fresh(began: number): View {
  return {
    began,
    progress: undefined,
    ready: undefined,
    rejected: undefined,
    examined: undefined,
    checked: { shared: undefined, own: undefined },
    lastNews: began,
    broken: undefined,
    role: undefined,
    planned: undefined,
    threshold: undefined,
    stay: false,
    invitation: undefined,
    parties: [],
    program: undefined,
    words: undefined,
    lobby: undefined,
    askedAgain: "",
    group: undefined,
    differed: undefined,
    questions: [],
    answer: undefined,
    sealed: undefined,
    runs: [],
    chat: [],
    messages: [],
    lastMessage: 0,
    milestones: [],
    record: undefined,
    leaving: false,
    ended: undefined,
  };
}
