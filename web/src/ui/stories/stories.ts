/** The states in which the page is looked at, as what happened and was decided before. */
import type { Decision, Form, PartyState, SessionEvent, Standing } from "../../core/protocol";
import type { App, Screen } from "../app.svelte";
import { hashFields } from "../lib/entry";
import { gallery } from "../lib/gallery";
import type { Interrupted } from "../lib/interrupted";
import type { LeftRoom } from "../lib/rooms";
import { problem, type Problem } from "../lib/support";

export interface Story {
  name?: string;
  screen?: Screen;
  invitation?: string;
  problem?: Problem | undefined;
  interrupted?: Interrupted;
  left?: LeftRoom;
  steps?: (SessionEvent | Decision)[];
  /** What stands in the field for a link or a code. */
  entry?: string;
  setback?: App["setback"];
  helping?: boolean;
  /** Then these tabs are chosen and buttons pressed, by their names. */
  press?: string[];
}

const ANN = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH";
const BEN = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
const CARLA = "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw";
const URL = "https://huddle.example/j#AbjVFLB3uS5Ik0eRLRhyrfNqTk42nBD3_-u7311ppeJlUcl-";

const ready: SessionEvent = { event: "ready", did: BEN, seconds: 1.3 };

function party(name: string, state: PartyState, standing: Standing, pid?: number, detail = ""): SessionEvent {
  const did = { Ann: ANN, Ben: BEN, Carla: CARLA }[name] ?? `did:key:z6Mk${name}`;
  return { event: "party", name, did, state, standing, pid, detail };
}

const source = gallery.find((one) => one.path === "average_salary.py")?.source ?? "";
const bytes = (text: string) => new TextEncoder().encode(text);

const FIELD = { help: "", unit: "", minimum: undefined, maximum: undefined, choices: [], default: "", required: true, shared: false };

const salary: Form = {
  ...{ title: "Average salary", learns: "The average of your salaries.", optional: false },
  inputs: [{ ...FIELD, option: "--salary", label: "Your salary a month", kind: "decimal", minimum: 0, unit: "EUR" }],
};

const everyKind: Form = {
  ...{ title: "All", learns: "Everything.", optional: false },
  inputs: [
    ...salary.inputs,
    { ...FIELD, option: "--age", label: "Your age", kind: "integer", minimum: 0, maximum: 130, help: "In whole years." },
    { ...FIELD, option: "--group", label: "Your group", kind: "choice", choices: ["north", "south", "somewhere else"] },
    { ...FIELD, option: "--since", label: "Since when", kind: "date", required: false },
    { ...FIELD, option: "--table", label: "Your table", kind: "table", help: "CSV: names, then numbers. The last column is explained by the others." },
  ],
};

const declared: Form = {
  ...{ title: "", learns: "", optional: true },
  inputs: [
    { ...FIELD, option: "--depth", label: "Depth", kind: "integer", help: "how deep, usually 3", required: false },
    { ...FIELD, option: "--name", label: "Name", kind: "text", required: false },
  ],
};

function program(files: Record<string, string>, run = 1, form: Form = salary): SessionEvent[] {
  const listed = Object.entries(files).map(([path, text]) => ({ path, size: text.length, sha256: "a7".repeat(32) }));
  const contents = Object.fromEntries(Object.entries(files).map(([path, text]) => [path, bytes(text)]));
  const entry = Object.keys(files)[0] ?? "";
  return [
    { event: "program", entry, digest: "5fa310c2".repeat(8), files: listed, args: [], sandbox: true, run, flags: [] },
    { event: "files", run, files: contents, form },
  ];
}

const words: SessionEvent = { event: "words", words: ["orbit", "cannon", "velvet", "maple"], epoch: 1 };

const guestIn: (SessionEvent | Decision)[] = [
  ready,
  { do: "join", name: "Ben", invitation: URL },
  party("Ben", "admitted", "self", 1),
  party("Ann", "admitted", "verified", 0),
  party("Carla", "admitted", "new", 2),
];

const proposed: (SessionEvent | Decision)[] = [
  ...guestIn,
  ...program({ "average_salary.py": source }),
  words,
  { event: "question", what: "accept", name: "Ann", did: ANN },
];

const sealed: (SessionEvent | Decision)[] = [
  ...proposed,
  { do: "heard", dids: [ANN, CARLA] },
  { do: "accept" },
  {
    event: "sealed",
    digest: "c3".repeat(32),
    pid: 1,
    parties: [
      { pid: 0, name: "Ann", did: ANN },
      { pid: 1, name: "Ben", did: BEN },
      { pid: 2, name: "Carla", did: CARLA },
    ],
  },
  { event: "link", peer: "Ann", network: "webrtc", path: "direct", rtt_ms: 1.2, run: 0 },
  { event: "link", peer: "Carla", network: "relay", path: "relayed by huddle.example", rtt_ms: 31, run: 0 },
  party("Ann", "connected", "verified", 0),
  party("Carla", "connected", "verified", 2),
];

function run(state: "started" | "finished" | "failed", more: object = {}): SessionEvent {
  return { event: "run", run: 1, state, seconds: undefined, whose: "", peer: "", reason: "", hint: "", ...more };
}

function stats(second: number): SessionEvent {
  const wave = 1 + Math.sin(second / 3) / 2;
  const peer = (name: string, pid: number, network: string, path: string, rtt: number) => ({
    ...{ name, pid, state: "computing" as const, network, path, rtt_ms: rtt * wave, queued: 0 },
    bytes_sent: Math.round(second * 41_000 * wave),
    bytes_received: Math.round(second * 38_000),
    messages_sent: second * 210,
    messages_received: second * 208,
    reconnects: pid === 2 && second > 20 ? 1 : 0,
  });
  return {
    event: "stats",
    run: 1,
    peers: [peer("Ann", 0, "webrtc", "direct", 1.2), peer("Carla", 2, "relay", "relayed by huddle.example", 31)],
    rounds: Math.round(second * 190 * wave),
    seconds: second,
    memory_mb: 120,
  };
}

const OUTPUT =
  "\x1b[1mAverage salary\x1b[0m of 3 parties\n" +
  "\x1b[32m✓\x1b[0m connected to all\n\x1b[33mWaiting\x1b[0m for everybody's salary\nYour salary: ";

const running: (SessionEvent | Decision)[] = [
  ...sealed,
  run("started"),
  { event: "output", stream: "stderr", text: "2026-11-23 10:41:07 Start MPyC runtime v0.11\n", run: 1 },
  { event: "output", stream: "stdout", text: OUTPUT, run: 1 },
  ...Array.from({ length: 40 }, (_, i) => stats(i + 1)),
  { event: "input", waiting: true, run: 1 },
  { event: "chat", name: "Ann", text: "Type it in whole euros." },
];

const finished: (SessionEvent | Decision)[] = [
  ...running,
  { do: "type_line", line: "3100" },
  { event: "output", stream: "stdout", text: "The average salary is \x1b[1m3216.67\x1b[0m\n", run: 1 },
  { event: "written", run: 1, files: { "result.csv": bytes("average\n3216.67\n") } },
  run("finished", { seconds: 42.3 }),
];

const host: (SessionEvent | Decision)[] = [
  ready,
  {
    ...{ do: "host", name: "Ben", parties: 3, stay: true },
    program: { entry: "average_salary.py", files: { "average_salary.py": bytes(source) }, args: [] },
  },
  party("Ben", "admitted", "self", 0),
  { event: "invitation", url: URL, code: "4821-apple-river" },
];

const hostile =
  "from mpyc.runtime import mpc\n\n" +
  'def check(level):\n    if level != "user\u202e \u2066# only for admins\u2069 \u2066":\n        print("admin")\n' +
  "naïve = 1\u200b2\n\x1b[2J\n";

/** An invitation to the place of the stories, whose check is right. */
async function link(): Promise<string> {
  const data = new Uint8Array(33).fill(7);
  data[0] = 1;
  const check = (await hashFields("huddle/1 link", bytes(location.origin), data)).slice(0, 3);
  const fragment = btoa(String.fromCharCode(...data, ...check)).replaceAll("+", "-").replaceAll("/", "_");
  return `${location.origin}/j#${fragment}`;
}

const asking = (prompt: string, hidden: boolean): (SessionEvent | Decision)[] => [
  ...sealed,
  run("started"),
  { event: "output", stream: "stdout", text: prompt, run: 1 },
  { event: "input", waiting: true, run: 1, hidden },
];

const SCORES = "Scores of this round\n\n| who | points |\n|---|---|\n| Ann | 31 |\n| Ben | 28 |\n| Carla | 44 |\n";
const BARS = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 120"><g fill="#0a6158"><rect x="20" y="40" width="60" height="70"/><rect x="120" y="55" width="60" height="55"/><rect x="220" y="10" width="60" height="100"/></g></svg>';

const hostAsked: (SessionEvent | Decision)[] = [
  ...host,
  party("Ann", "admitted", "verified", 1),
  party("Carla", "admitted", "new", 2),
  ...program({ "average_salary.py": source }),
  words,
  { event: "question", what: "accept", name: "Ben", did: BEN },
];

const knocked: (SessionEvent | Decision)[] = [...guestIn.slice(0, 2), party("Ben", "waiting", "self"), party("Ann", "admitted", "verified", 0)];

const PLAIN = `[Interface]
PrivateKey = ${"kK4".repeat(14)}=
Address = fd4a:7c1e:77::2/128

[Peer]
PublicKey = ${"b0Q".repeat(14)}=
Endpoint = huddle.example:51820
AllowedIPs = fd4a:7c1e:77::/64
`;

export const stories: Record<string, Story> = {
  start: { name: "", steps: [{ event: "progress", stage: "loading", done: 0.6 }] },
  "host-form": { screen: "host", steps: [ready] },
  "join-form": { screen: "join", name: "", steps: [ready] },
  invited: { invitation: await link(), steps: [{ event: "progress", stage: "starting", done: 1 }] },
  unsupported: {
    invitation: `${location.origin}/${URL.slice(URL.indexOf("j#"))}`,
    problem: problem({ isSecureContext: true, WebAssembly: {} }),
  },
  "lobby-host": {
    steps: [
      ...host,
      party("Ann", "admitted", "verified", 1),
      party("Carla", "waiting", "alarm"),
      { event: "question", what: "admit", name: "Carla", did: CARLA },
      { event: "error", whose: "rendezvous", message: "The rendezvous does not answer.", hint: "Huddle keeps trying; check your connection.", peer: "" },
    ],
  },
  "join-setback": {
    screen: "join",
    entry: "4821-apple-river",
    setback: [{ whose: "local", peer: "", text: "That code was wrong.", hint: "Ask the host to read it out again; two tries are left." }],
    steps: [ready],
  },
  "invited-cut": { invitation: `${location.origin}/j#AQABAgMEBQYHCA`, steps: [ready] },
  help: { helping: true, steps: [ready] },
  loading: { steps: [{ event: "progress", stage: "loading", done: 0.34, total: 5_900_000 }] },
  "lobby-knocked": { steps: [...guestIn.slice(0, 2), party("Ben", "waiting", "self"), party("Ann", "silent", "new", undefined, "not in the room now")] },
  "lobby-sure": { steps: proposed, press: ["Accept and run"] },
  "lobby-differ": { steps: proposed, press: ["Somebody has other words"] },
  "lobby-differed": { steps: [...proposed, { event: "words_differ", name: "Carla", did: CARLA, epoch: 1 }, { ...words, epoch: 2 } as SessionEvent] },
  "run-secret": { steps: asking("Your PIN: ", true) },
  "run-table": {
    steps: [
      ...sealed,
      run("started"),
      { event: "output", stream: "stdout", text: SCORES, run: 1 },
      { event: "written", run: 1, files: { "scores.svg": bytes(BARS), "scores.csv": bytes("who,points\nAnn,31\nBen,28\nCarla,44\n") } },
      run("finished", { seconds: 4.2 }),
      { event: "ended", reason: "The session has ended.", clean: true, left: [] },
    ],
  },
  "run-stopped": { steps: [...running, { do: "stop_run" }, run("failed", { seconds: 7, whose: "local", reason: "You stopped the run." })] },
  "lobby-waiting": { steps: guestIn.slice(0, 2) },
  "lobby-words": { steps: proposed },
  "lobby-form": {
    steps: [
      ...guestIn,
      ...program({ "average_salary.py": source }, 1, everyKind),
      words,
      { event: "question", what: "accept", name: "Ann", did: ANN },
      { event: "checked", which: "own", problems: { "--age": "A whole number, please.", "--table": "Something has to be given here." } },
    ],
    press: ["Accept and run"],
  },
  "lobby-options": {
    steps: [
      ...guestIn,
      ...program({ "average_salary.py": source }, 1, declared),
      words,
      { event: "question", what: "accept", name: "Ann", did: ANN },
    ],
    press: ["2 things"],
  },
  "lobby-hostile": {
    steps: [
      ...guestIn,
      ...program({ "main.py": hostile, "data/table.csv": "a,b\n1,2\n" }),
      { ...words, epoch: 2 },
      { event: "question", what: "accept", name: "Ann", did: ANN },
    ],
  },
  "lobby-accepted": { steps: [...proposed, { do: "heard", dids: [ANN, CARLA] }, { do: "accept" }, party("Ann", "accepted", "verified", 0)] },
  "run-input": { steps: running },
  "run-finished": { steps: finished },
  "run-again": {
    steps: [
      ...host,
      party("Ann", "admitted", "verified", 1),
      party("Carla", "admitted", "verified", 2),
      ...sealed.slice(5),
      ...finished.slice(sealed.length),
      { event: "question", what: "again", name: "", did: "" },
    ],
  },
  "run-failed": {
    steps: [
      ...running,
      { event: "output", stream: "stderr", text: "\nTraceback (most recent call last):\nConnectionError\n", run: 1 },
      { event: "reconnect", peer: "Carla", state: "lost", reason: "the relay closed", run: 1 },
      party("Carla", "gone", "verified", 2, "silent for 30 s"),
      run("failed", { seconds: 71, whose: "peer", peer: "Carla", reason: "Carla was silent for 30 s.", hint: "Ask Carla to open the link again, and start a new session." }),
    ],
  },
  ended: { steps: [...finished, { event: "ended", reason: "The session has ended. All runs finished well.", clean: true, left: ["contacts Ann and Carla"] }] },
  "write-one": { screen: "host", steps: [ready], press: ["Write one"] },
  "run-parties": { steps: running, press: ["People"] },
  "run-chat": { steps: running, press: ["Chat"] },
  "run-files": { steps: finished, press: ["Files"] },
  past: { screen: "past", steps: [ready] },
  "lobby-invite": { steps: host },
  "lobby-change": { steps: hostAsked, press: ["Change something"] },
  "lobby-held": { steps: [...hostAsked, { do: "not_now", reason: "not now" }, { event: "question", what: "lobby", name: "", did: "" }] },
  "lobby-no-seat": { steps: [...hostAsked, party("Dora", "waiting", "new"), { event: "question", what: "admit", name: "Dora", did: "did:key:z6MkDora" }] },
  "lobby-full": { steps: [...knocked, { event: "lobby", place: "waiting", here: ["Ann", "Carla", "Dora"], missing: [], parties: 3, full: true }] },
  "lobby-let-in": { steps: [...knocked, { event: "lobby", place: "admitted", here: ["Ann", "Ben"], missing: ["Carla"], parties: 3, full: false }] },
  "lobby-declined": { steps: [...proposed, { do: "not_now", reason: "not now" }] },
  "lobby-asked-again": {
    steps: [
      ...proposed,
      { do: "not_now", reason: "not now" },
      { event: "restarted", epoch: 2, reason: "Ben declined to take part" },
      { event: "lobby", place: "admitted", here: ["Ann", "Ben", "Carla"], missing: [], parties: 3, full: false },
    ],
  },
  "lobby-removed": {
    steps: [
      ...knocked,
      { event: "error", whose: "peer", message: "Ann refused to let you in: the host declined", hint: "Ask Ann, and knock again.", peer: "Ann" },
      { event: "ended", reason: "The session has ended with an error.", clean: true, left: [] },
    ],
  },
  "lobby-not-let-in": { steps: [...knocked, { event: "lobby", place: "refused", here: ["Ann"], missing: [], parties: 3, full: false }] },
  "lobby-sent-away": {
    steps: [...host, party("Carla", "waiting", "new"), { do: "refuse", did: CARLA, reason: "the host declined" }, party("Carla", "refused", "new")],
  },
  "group-waiting": {
    steps: [...knocked, { event: "group", group: 0, state: "waiting", members: [], host: "Tia", standing: "verified" }],
  },
  "group-dealt": {
    steps: [
      ...knocked,
      {
        ...{ event: "group", group: 1, state: "dealt", host: "Tia", standing: "verified" },
        members: ["Ann", "Ben", "Carla"].map((name) => ({ name, did: name, state: "here" })),
      },
      party("Ben", "admitted", "self", 1),
    ],
  },
  "run-replaced": {
    steps: [
      ...host,
      party("Ann", "admitted", "verified", 1),
      party("Carla", "admitted", "verified", 2),
      ...sealed.slice(5),
      { event: "notice", text: "Carla is lost. Those who are left are in a new room; invite somebody for the free place." },
      { event: "restarted", epoch: 0, reason: "Carla is lost" },
      { event: "planned", parties: 3 },
      party("Ben", "admitted", "self", 0),
      party("Ann", "admitted", "verified", 1),
      { event: "invitation", url: URL, code: "77-violet-stone" },
    ],
  },
  // As after somebody was lost, in the new room.
  "lobby-notices": {
    steps: [
      ...hostAsked,
      { event: "notice", text: "Carla was lost. The others keep their seats. Whoever gets the new link or code can take the free seat; new words follow." },
      { event: "notice", text: "It begins again, with other words: Dora has come in the place of Carla" },
      { event: "error", whose: "rendezvous", message: "The rendezvous does not answer.", hint: "Huddle keeps trying; check your connection.", peer: "" },
    ],
  },
  "lobby-notices-differed": {
    steps: [
      ...proposed,
      { event: "words_differ", name: "Carla", did: CARLA, epoch: 1 },
      { event: "notice", text: "It begins again, with other words: Carla saw other words than somebody else" },
      { event: "notice", text: "Ann's connection ended. Waiting for Ann to come back." },
      { ...words, epoch: 2 } as SessionEvent,
      { event: "question", what: "accept", name: "Ann", did: ANN },
    ],
  },
  "run-stats": { steps: running, press: ["Stats"] },
  "run-stopped-by": {
    steps: [...running, run("failed", { seconds: 7, whose: "peer", peer: "Ann", reason: "Ann stopped the run.", stopped: true })],
  },
  "run-plain": {
    steps: [
      ...sealed,
      run("started"),
      { event: "plain", run: 1, config: PLAIN, command: "python average_salary.py -M3 -I1 -C huddle.ini", mpyc: "0.11" },
    ],
  },
  left: {
    interrupted: { entry: "average_salary.py", names: ["Ann", "Carla"], sealed: false, running: false, host: true },
    left: { id: "1", kept: "", seated: [], hosted: { name: "Ben", parties: 3, program: { entry: "average_salary.py", files: {}, args: [] } } },
    steps: [ready],
  },
  reloaded: {
    interrupted: { entry: "average_salary.py", names: ["Ann", "Carla"], sealed: true, running: true, host: false },
    steps: [ready],
  },
};
