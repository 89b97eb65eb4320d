/**
 * What the page and its session worker say to each other, as structured clones; bytes travel as
 * `Uint8Array`, nothing as JSON text.
 *
 *   page -> session      `Decision`: what the person decides
 *   session -> page      `SessionEvent`: what happens; the events of `huddle.events` field by field
 *                        (docs/events.md says what each means), and a few of the worker's own
 *
 * A session worker serves one session. Its life: `progress`* `ready`, then the page sends `host` or
 * `join`, then events until `ended`; after that nothing. Decisions that come too late do nothing.
 *
 * Where Python has None there is `undefined` here.
 */

// --- what happens

/** `waiting` wants to come in; `silent` may be gone soon. */
export type PartyState =
  | "waiting"
  | "seated"
  | "admitted"
  | "refused"
  | "accepted"
  | "connected"
  | "silent"
  | "gone"
  | "left";

/** `alarm`: a name that this person knows, with another key. */
export type Standing = "self" | "new" | "known" | "verified" | "alarm";

/** Whose fault something is. */
export type Whose = "local" | "program" | "peer" | "rendezvous" | "network";

export interface ProgramFile {
  path: string;
  size: number;
  /** Hexadecimal. */
  sha256: string;
}

/** One thing that a program's form asks for; huddle/session/form_input.py says what each is. */
export interface FormInput {
  /** The program's option, such as `--salary`; what this is known by. */
  option: string;
  label: string;
  kind: "integer" | "decimal" | "choice" | "text" | "date" | "file" | "table";
  help: string;
  unit: string;
  minimum: number | undefined;
  maximum: number | undefined;
  choices: string[];
  default: string;
  required: boolean;
  shared: boolean;
}

/** What this person is asked for. `optional`: nobody wrote that it is to be asked, it may be passed over. */
export interface Form {
  title: string;
  learns: string;
  optional: boolean;
  inputs: FormInput[];
}

/** By option. Of a file, its name among the private inputs. */
export type Answers = Record<string, string>;

/** What is asked of the host for all, or of each for themselves. */
export type Which = "shared" | "own";

export interface Member {
  pid: number;
  name: string;
  did: string;
}

export interface PeerStats {
  name: string;
  pid: number;
  /** What its runner does. */
  state: "idle" | "computing" | "input" | "gone" | "hung_up";
  network: string;
  path: string;
  rtt_ms: number | undefined;
  bytes_sent: number;
  bytes_received: number;
  messages_sent: number;
  messages_received: number;
  queued: number;
  reconnects: number;
}

/** The events of `huddle.events`, by their key. */
export interface HuddleEvents {
  invitation: { url: string; code: string };
  party: {
    name: string;
    did: string;
    state: PartyState;
    standing: Standing;
    pid: number | undefined;
    detail: string;
  };
  /** To a guest before the start: where they stand, who has a seat and is here, and who is missing. */
  lobby: { place: "waiting" | "refused" | "seated" | "admitted"; here: string[]; missing: string[]; parties: number; full: boolean };
  program: {
    entry: string;
    digest: string;
    files: ProgramFile[];
    args: string[];
    sandbox: boolean;
    run: number;
    flags: string[];
  };
  /** `lobby`: the host, where not all said yes; it proposes again, or changes something first. */
  question: { what: "admit" | "accept" | "program" | "again" | "lobby"; name: string; did: string };
  chat: { name: string; text: string };
  words: { words: string[]; epoch: number };
  /** A party, perhaps this one, saw other words than somebody else: somebody may be intercepting. */
  words_differ: { name: string; did: string; epoch: number };
  /**
   * Words and answers so far do not count any more; all are asked again, or the host changes something first.
   * `epoch` 0: somebody was lost after the start, and those who are left are in a new room.
   */
  restarted: { epoch: number; reason: string };
  /** In a class: this party waits to be dealt to a group (`waiting`, number 0), or was dealt to this one. */
  group: { group: number; state: string; members: { name: string; did: string; state: string }[]; host: string; standing: Standing };
  sealed: { digest: string; parties: Member[]; pid: number };
  link: { peer: string; network: string; path: string; rtt_ms: number | undefined; run: number };
  reconnect: { peer: string; state: "lost" | "restored"; reason: string; run: number };
  run: {
    run: number;
    state: "started" | "finished" | "failed";
    seconds: number | undefined;
    whose: Whose | "";
    peer: string;
    reason: string;
    hint: string;
    /** Somebody ended it on purpose, which is no failure. */
    stopped?: boolean;
  };
  /** The person runs the program by plain MPyC: the file for a WireGuard app, and the line to type. */
  plain: { config: string; command: string; mpyc: string; run: number };
  output: { stream: "stdout" | "stderr"; text: string; run: number };
  input: { waiting: boolean; run: number; hidden?: boolean };
  stats: { run: number; peers: PeerStats[]; rounds: number; seconds: number; memory_mb: number };
  notice: { text: string };
  error: { whose: Whose; message: string; hint: string; peer: string };
  ended: { reason: string; clean: boolean; left: string[] };
}

/** What the worker tells besides; not of the session, but of this page. */
export interface WorkerEvents {
  /** Getting ready: `stage` is loading (files), starting (Python) or waiting (for a runner). */
  progress: { stage: "loading" | "starting" | "waiting"; done: number; /** Bytes on the line, while loading. */ total?: number };
  /** The worker takes `host` or `join` now. `did` is who this person is in this browser. */
  ready: { did: string; seconds: number };
  /** The files of the program that `program` has just named, for reading before accepting. */
  files: { run: number; files: Record<string, Uint8Array>; /** What it asks of this person alone. */ form?: Form | undefined };
  /** `host` or `join` can't be done so, and nothing has begun: it can be said again otherwise. */
  rejected: { message: string; hint: string };
  /** The host, until the start: what to keep so as to come back (huddle/browser/rooms.py); empty: nobody is to. */
  room: { kept: string };
  /** The host: so many are to take part now. */
  planned: { parties: number };
  /** Of the program of that `examine`: what Python can't read in it, and what it imports that can't be had, and why. */
  examined: { number: number; problem: string; missing: Record<string, string>; /** What the host gives for all. */ form?: Form | undefined };
  /** By option, why answers can't be such; those that can are not in it. */
  checked: { which: Which; problems: Record<string, string> };
  /** Files that the program of this run wrote in its directory, by their paths there. */
  written: { run: number; files: Record<string, Uint8Array> };
  /** The contacts as they are to be kept (the text of a contacts file), and a signed record, if one was made. */
  kept: { contacts: string; record: Uint8Array | undefined };
  /** Python's memory can't be used in this browser; the session's own side of the page begins anew without. */
  unrestored: { reason: string };
  /** The worker itself failed: no session is possible in this browser, for this reason. */
  broken: { message: string; hint: string };
}

type Tagged<Events> = { [Key in keyof Events]: { event: Key } & Events[Key] }[keyof Events];

export type HuddleEvent = Tagged<HuddleEvents>;
export type SessionEvent = HuddleEvent | Tagged<WorkerEvents>;
export type EventOf<Key extends SessionEvent["event"]> = Extract<SessionEvent, { event: Key }>;

// --- what the person decides

/** A program as its person names it; `files` by relative path, the entry among them. */
export interface Program {
  entry: string;
  files: Record<string, Uint8Array>;
  args: string[];
  /** To what its form asks for all; they follow `args`. */
  answers?: Answers;
}

/** The local side of a session; nothing of it is shared with anybody but `name`. */
export interface LocalSettings {
  /** What the others see. */
  name: string;
  /** In order of preference; default: all that this browser has. */
  networks?: ("webrtc" | "relay")[];
  /** Arguments of one's own, behind the shared ones. */
  privateArgs?: string[];
  /** Private input files, by the names that the program finds in its directory. */
  inputs?: Record<string, Uint8Array>;
  /** Seconds after which a silent peer is gone; default 30. */
  grace?: number;
  /** Seconds without progress after which a run is ended; default: never. */
  stall?: number;
  /** Take part under a fresh identity, which is forgotten at the end. */
  pseudonym?: boolean;
  /** Bytes that a peer may leave unread before the run is ended; default: any number. */
  maxQueue?: number;
}

export interface HostRequest extends LocalSettings {
  program: Program;
  /** How many people take part, the host among them. */
  parties: number;
  /** URL of the rendezvous; default: the one that served the page. */
  rendezvous?: string;
  threshold?: number;
  noPrss?: boolean;
  /** More runs may follow the first. */
  stay?: boolean;
  /** All sign a record of the session. */
  record?: boolean;
  /** Somebody is here who decides: a seat that gets free waits for another, and what failed can be tried again. */
  lobby?: boolean;
  /** Come back to the room of which the last `room` told this; its link leads here again. */
  again?: string;
}

export interface JoinRequest extends LocalSettings {
  /** The whole link, or a short code. */
  invitation: string;
  /** Where a short code belongs; default: the rendezvous that served the page. */
  rendezvous?: string;
  /** The digest (hexadecimal) that the program must have. */
  digest?: string;
  /** Take part only where a record is made. */
  record?: boolean;
  /** Refused by the host's person, stay: they may think better of it, and call one back. */
  patient?: boolean;
  /** Nothing runs in this page: the person runs plain MPyC behind a WireGuard app, by what `plain` tells. */
  plainEnd?: boolean;
}

export interface Decisions {
  /** Look at a program before anybody is invited to it; `examined` answers, with this number. */
  examine: { number: number; entry: string; files: Record<string, Uint8Array> };
  /** Look at answers to a form, of the program looked at last or of the one that is proposed; `checked` answers. */
  check: { which: Which; answers: Answers };
  /** Nobody comes back to the room of which `room` told this; whoever waits there is told. */
  end_room: { kept: string };
  host: HostRequest;
  join: JoinRequest;
  /** Also who was refused and waits: they are called back. */
  admit: { did: string };
  refuse: { did: string; reason: string };
  /** These parties were heard to say the words. */
  heard: { dids: string[] };
  /** With what the program gets from this person alone, in place of what was given before. */
  accept: Pick<LocalSettings, "privateArgs" | "inputs"> & { answers?: Answers };
  decline: { reason: string };
  /** Not this, but stay: the host can change something and ask again. */
  not_now: { reason: string };
  /** The host, in the lobby: ask everybody again. */
  propose: object;
  /** The host, until the start: another program or number of people. All keep their seats, and are asked anew. */
  change: { program?: Program; parties?: number };
  /** The host, until the start: another short code, for the seats that are free. */
  new_code: object;
  /** The words here are different from somebody's: told to all, and the set-up begins again. */
  differ: object;
  /** The host: one more run, of this program or, without one, of the last. */
  again: { program?: Program };
  /** The host: no more runs. */
  finish: object;
  /** A line for the program's `input()`; `undefined`: there is no more input. */
  type_line: { line: string | undefined };
  say: { text: string };
  stop_run: object;
  leave: { reason: string };
}

export type Decision = { [Key in keyof Decisions]: { do: Key } & Decisions[Key] }[keyof Decisions];

/** The page has shown one `output`. Sent by the session's own side of the page, not decided by anybody. */
export interface Seen {
  do: "seen";
}

// --- what the page holds of a session

/** One session, as the UI sees it: real (`openSession` in session.ts) or scripted (`fake.ts`). */
export interface Session {
  send(decision: Decision): void;
  /** Calls `listener` with every event from now on; the result unsubscribes. */
  subscribe(listener: (event: SessionEvent) => void): () => void;
  /** Drop everything at once: workers, connections. Send `leave` first to say goodbye. */
  close(): void;
}
