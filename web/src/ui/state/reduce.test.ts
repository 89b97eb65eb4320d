import { expect, test } from "vitest";
import { FakeSession, guestScript, hostScript } from "../../core/fake";
import type { Decision, SessionEvent } from "../../core/protocol";
import { free, heardNobody, heldUp, hidesNothing, lastRun, others, phase, present, running, stoppedBy, stuck, taken, title, waitingFor } from "./derive";
import { fresh, type View } from "./model";
import { plain, withoutTyped } from "./output";
import { reduce } from "./reduce";

const ANN = "did:key:ann";
const BEN = "did:key:ben";

function after(view: View, ...steps: (SessionEvent | Decision)[]): View {
  return steps.reduce((now, step) => reduce(now, "do" in step ? { decision: step } : { event: step }, 5000), view);
}

function party(name: string, did: string, state: "waiting" | "admitted" | "accepted" | "left" | "refused"): SessionEvent {
  return { event: "party", name, did, state, standing: name === "Me" ? "self" : "new", pid: undefined, detail: "" };
}

const words = (epoch: number): SessionEvent => ({ event: "words", words: ["a", "b", "c", "d"], epoch });
const program = (run: number, flags: string[] = []): SessionEvent => ({
  ...{ event: "program", entry: "p.py", digest: "00", files: [], args: ["2"], sandbox: true, run, flags },
});
const started = (run: number): SessionEvent => ({
  ...{ event: "run", run, state: "started", seconds: undefined, whose: "", peer: "", reason: "", hint: "" },
});

/** Plays a script to its end, with the decisions that it waits for. */
function play(script: typeof guestScript, answers: Decision[]): { views: View[] } {
  const session = new FakeSession(script);
  const views = [fresh(0)];
  const take = (what: Parameters<typeof reduce>[1]) => views.push(reduce(views.at(-1) ?? fresh(0), what, views.length));
  session.subscribe((event) => take({ event }));
  session.start();
  for (const decision of answers) {
    take({ decision });
    session.send(decision);
  }
  return { views };
}

test("a guest goes from the start through lobby and run to the end", () => {
  const { views } = play(guestScript, [
    { do: "join", name: "Ben", invitation: "x" },
    { do: "accept" },
    { do: "type_line", line: "40" },
  ]);
  expect([...new Set(views.map(phase))]).toEqual(["start", "lobby", "run", "ended"]);
  const last = views.at(-1) ?? fresh(0);
  expect(plain(lastRun(last)?.output ?? [])).toBe("Your number: 40\nThe sum is 42.\n");
  expect(lastRun(last)?.state).toBe("finished");
  expect(last.questions).toEqual([]);
  expect(views.some((view) => lastRun(view)?.waitsForInput)).toBe(true);
  expect(lastRun(last)?.waitsForInput).toBe(false);
});

test("a host is asked who comes in, and whether to run again", () => {
  const host: Decision = { do: "host", name: "Ann", parties: 2, program: { entry: "p.py", files: {}, args: [] } };
  const { views } = play(hostScript, [host, { do: "admit", did: "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK" }, { do: "accept" }, { do: "finish" }]);
  const asked = new Set(views.flatMap((view) => view.questions.map((question) => question.what)));
  expect(asked).toEqual(new Set(["admit", "accept", "again"]));
  expect(views.at(-1)?.questions).toEqual([]);
  expect(views.at(-1)?.sealed?.pid).toBe(0);
});

test("what was heard and accepted counts for its own epoch only", () => {
  const first = after(fresh(0), party("Ann", ANN, "admitted"), words(1), { do: "heard", dids: [ANN] }, { do: "accept" });
  expect(first.parties[0]?.heard).toBe(true);
  expect(first.answer).toBe("accepted");
  const second = after(first, words(2));
  expect(second.parties[0]?.heard).toBe(false);
  expect(second.answer).toBeUndefined();
});

test("a tick can be taken away", () => {
  const heard = after(fresh(0), party("Ann", ANN, "admitted"), { do: "heard", dids: [ANN] }, { do: "heard", dids: [] });
  expect(heard.parties[0]?.heard).toBe(false);
});

test("a new program takes back the question about the one before, and its files", () => {
  const files: SessionEvent = { event: "files", run: 1, files: { "p.py": new Uint8Array(1) } };
  const view = after(fresh(0), program(1), files, { event: "question", what: "accept", name: "Ann", did: ANN }, program(1));
  expect(view.questions).toEqual([]);
  expect(view.program?.contents).toBeUndefined();
});

test("files of another run's program are not shown as this one's", () => {
  const view = after(fresh(0), program(2), { event: "files", run: 1, files: { "p.py": new Uint8Array(1) } });
  expect(view.program?.contents).toBeUndefined();
});

test("who leaves while at the door is not asked about any more", () => {
  const knock: SessionEvent = { event: "question", what: "admit", name: "Ann", did: ANN };
  const both = after(fresh(0), party("Ann", ANN, "waiting"), knock, party("Ben", BEN, "waiting"), { ...knock, name: "Ben", did: BEN });
  expect(after(both, party("Ann", ANN, "left")).questions.map((question) => question.did)).toEqual([BEN]);
  expect(after(both, { do: "refuse", did: BEN, reason: "" }).questions.map((question) => question.did)).toEqual([ANN]);
});

test("the same question twice is one question", () => {
  const knock: SessionEvent = { event: "question", what: "admit", name: "Ann", did: ANN };
  expect(after(fresh(0), knock, knock).questions).toHaveLength(1);
});

test("a link that lost its wire says so until it has another", () => {
  const linked = after(fresh(0), party("Ann", ANN, "admitted"), { event: "link", peer: "Ann", network: "relay", path: "", rtt_ms: 3, run: 0 });
  const lost = after(linked, { event: "reconnect", peer: "Ann", state: "lost", reason: "", run: 0 });
  expect(lost.parties[0]?.link).toMatchObject({ up: false, network: "relay" });
  expect(after(lost, { event: "reconnect", peer: "Ann", state: "restored", reason: "", run: 0 }).parties[0]?.link?.up).toBe(true);
});

test("a link of somebody who was refused under the same name is not mixed up with the party's", () => {
  const sealed: SessionEvent = { event: "sealed", digest: "", pid: 0, parties: [{ pid: 1, name: "Ann", did: BEN }] };
  const view = after(fresh(0), party("Ann", ANN, "refused"), party("Ann", BEN, "admitted"), sealed, {
    ...{ event: "link", peer: "Ann", network: "relay", path: "", rtt_ms: undefined, run: 0 },
  });
  expect(view.parties.map((one) => one.link?.network)).toEqual([undefined, "relay"]);
});

test("output goes to its own run, and a later run keeps the earlier one", () => {
  const view = after(
    fresh(0),
    program(1),
    started(1),
    { event: "output", stream: "stdout", text: "one", run: 1 },
    program(2),
    started(2),
    { event: "output", stream: "stdout", text: "two", run: 2 },
  );
  expect(view.runs.map((run) => plain(run.output))).toEqual(["one", "two"]);
});

test("what a person types is shown, and not kept", () => {
  const asks: SessionEvent = { event: "output", stream: "stdout", text: "Salary: ", run: 1 };
  const run = lastRun(after(fresh(0), started(1), asks, { do: "type_line", line: "3100" }));
  expect(plain(run?.output ?? [])).toBe("Salary: 3100\n");
  expect(withoutTyped(run?.output ?? [])).toBe("Salary: \n");
});

test("what one says oneself is in the chat", () => {
  const view = after(fresh(0), party("Me", "did:key:me", "admitted"), { do: "say", text: "hello" }, { event: "chat", name: "Ann", text: "hi" });
  expect(view.chat.map(({ name, text }) => `${name}: ${text}`)).toEqual(["Me: hello", "Ann: hi"]);
});

test("notices go when a run begins, errors stay", () => {
  const error: SessionEvent = { event: "error", whose: "network", message: "no wire", hint: "", peer: "" };
  const view = after(fresh(0), { event: "notice", text: "threshold 0" }, error, started(1), { event: "notice", text: "late" });
  expect(view.messages.map((message) => message.text)).toEqual(["no wire", "late"]);
  // Whoever dismissed a notice has not dismissed what came later.
  expect(view.messages.map((message) => message.id)).toEqual([2, 3]);
});

test("a run that fails names whose fault it was", () => {
  const view = after(fresh(0), started(1), { do: "stop_run" }, {
    ...{ event: "run", run: 1, state: "failed", seconds: 2, whose: "peer", peer: "Ann", reason: "Ann is gone.", hint: "Ask Ann." },
  });
  expect(lastRun(view)).toMatchObject({ state: "failed", whose: "peer", peer: "Ann", hint: "Ask Ann." });
  expect(running(view)).toBe(false);
});

test("what a person takes for plain MPyC belongs to its run", () => {
  const view = after(fresh(0), started(1), { event: "plain", config: "[Interface]", command: "python p.py", mpyc: "0.11", run: 1 });
  expect(lastRun(view)?.plain).toEqual({ config: "[Interface]", command: "python p.py", mpyc: "0.11" });
});

test("a program that waits for input when the session ends waits no more", () => {
  const view = after(fresh(0), started(1), { event: "input", waiting: true, run: 1 }, { event: "ended", reason: "x", clean: false, left: [] });
  expect(lastRun(view)?.waitsForInput).toBe(false);
  expect(running(view)).toBe(false);
});

test("an event of a later version changes nothing", () => {
  const view = fresh(0);
  expect(reduce(view, { event: { event: "fanfare" } as unknown as SessionEvent }, 1)).toBe(view);
});

test("nothing that was known before is changed in place", () => {
  const before = after(fresh(0), party("Ann", ANN, "admitted"), words(1), started(1));
  const copy = structuredClone(before);
  after(before, party("Ann", ANN, "accepted"), { do: "heard", dids: [ANN] }, { event: "output", stream: "stdout", text: "x", run: 1 });
  expect(before).toEqual(copy);
});

test("who is missing is said by name", () => {
  const view = after(fresh(0), { do: "join", name: "Me", invitation: "x" }, party("Me", "did:key:me", "admitted"), party("Ann", ANN, "admitted"), party("Ben", BEN, "accepted"), { do: "accept" });
  expect(waitingFor(view)).toBe("Waiting until Ann says yes");
  expect(others(view)).toHaveLength(2);
});

test.each([
  ["--threshold 0", true],
  ["--threshold=1", false],
  ["-T 0", true],
])("the flag %s hides nothing: %s", (flag, nothing) => {
  expect(hidesNothing(after(fresh(0), program(1, flag.split(" "))))).toBe(nothing);
});

test("two parties hide nothing, three do", () => {
  const two = after(fresh(0), party("Me", "did:key:me", "admitted"), party("Ann", ANN, "admitted"), words(1));
  expect(hidesNothing(two)).toBe(true);
  expect(hidesNothing(after(two, party("Ben", BEN, "admitted")))).toBe(false);
});

const link = (peer: string, run: number): SessionEvent => ({ event: "link", peer, network: "relay", path: "relayed", rtt_ms: 3, run });

test("the waterfall has the first link with each peer, and none of a run's", () => {
  const view = after(fresh(0), words(1), link("Ann\u202e", 0), link("Ben", 0), link("Ann\u202e", 0), link("Cem", 1));
  expect(view.milestones.map((one) => one.label)).toEqual(["Words", "Linked to Ann\\u202e (relay)", "Linked to Ben (relay)"]);
});

test("whom a run waits for is said by name", () => {
  const joined = (name: string, did: string, pid: number, state: "connected" | "silent"): SessionEvent => ({
    ...{ event: "party", name, did, state, standing: "new", pid, detail: "" },
  });
  const doing = (pid: number, state: "input" | "computing") => ({
    ...{ name: "", pid, state, network: "relay", path: "", rtt_ms: 1, bytes_sent: 0, bytes_received: 0 },
    ...{ messages_sent: 0, messages_received: 0, queued: 0, reconnects: 0 },
  });
  const busy = after(fresh(0), joined("Ann", ANN, 0, "connected"), joined("Ben", BEN, 1, "connected"), started(1), {
    ...{ event: "stats", run: 1, rounds: 0, seconds: 1, memory_mb: 1 },
    peers: [doing(0, "computing"), doing(1, "input")],
  });
  const said = (view: View) => heldUp(view, lastRun(view) ?? expect.fail("no run"));
  expect(said(busy)).toBe("Ben: typing");
  expect(said(after(busy, joined("Ben", BEN, 1, "silent")))).toBe("Ben: silent");
  expect(said(after(fresh(0), started(1)))).toBe("");
});

test("a tab in the background says that it is waited for", () => {
  const begun = after(fresh(0), started(1));
  expect(title(begun)).toBe("Running, Huddle");
  expect(title(after(begun, { event: "input", waiting: true, run: 1 }))).toBe("● Your input, Huddle");
  const door: SessionEvent = { event: "question", what: "admit", name: "Ann", did: ANN };
  const hosting = { ...fresh(0), role: "host" as const, planned: 2 };
  expect(title(after(hosting, party("Me", BEN, "admitted"), door))).toBe("● Somebody is at the door, Huddle");
  // Who can't come in yet calls nobody.
  expect(title(after(hosting, party("Me", BEN, "admitted"), party("Ann", ANN, "admitted"), door))).toBe("Huddle");
  expect(title(after(fresh(0), { ...door, what: "accept" }))).toBe("● Your answer, Huddle");
});

test("who has heard nobody is asked once more, who knows all or has heard somebody is not", () => {
  const asked: (SessionEvent | Decision)[] = [party("Me", BEN, "admitted"), party("Ann", ANN, "admitted"), words(1), { event: "question", what: "accept", name: "Ann", did: ANN }];
  const view = after(fresh(0), { do: "join", name: "Me", invitation: "x" }, ...asked);
  expect(heardNobody(view)).toBe(true);
  expect(heardNobody(after(view, { do: "heard", dids: [ANN] }))).toBe(false);
  expect(heardNobody(after(view, { ...(party("Ann", ANN, "admitted") as object), standing: "verified" } as SessionEvent))).toBe(false);
});

test("words after a sealing are those of another session, in which somebody was replaced", () => {
  const members = [{ pid: 0, name: "Ann", did: ANN }];
  const before = after(fresh(0), party("Ann", ANN, "admitted"), words(1), { event: "sealed", digest: "d", parties: members, pid: 1 }, started(1));
  expect([before.sealed?.pid, before.runs.length]).toEqual([1, 1]);
  const view = after(before, words(1));
  expect([view.sealed, view.runs, view.words?.epoch]).toEqual([undefined, [], 1]);
  const lost = after(before, { event: "restarted", epoch: 0, reason: "Bob was lost" });
  expect([lost.sealed, lost.runs, lost.invitation, lost.words]).toEqual([undefined, [], undefined, undefined]);
  expect(after(before, { event: "restarted", epoch: 2, reason: "Ann said no" }).sealed).toEqual(before.sealed);
});

test("other words are an answer of their own, and stay beside the next ones", () => {
  const view = after(fresh(0), { do: "join", name: "Me", invitation: "x" }, party("Me", BEN, "admitted"), words(1), { event: "question", what: "accept", name: "Ann", did: ANN });
  const mine = after(view, { do: "differ" });
  expect(mine.questions).toEqual([]);
  expect(mine.answer).toBeUndefined();
  const told = after(view, { event: "words_differ", name: "Ann", did: ANN, epoch: 1 });
  expect([told.questions, told.words]).toEqual([[], undefined]);
  expect(after(told, words(2)).differed).toEqual({ name: "Ann", mine: false, epoch: 1 });
  expect(after(view, { event: "words_differ", name: "Me", did: BEN, epoch: 1 }).differed?.mine).toBe(true);
});

test("a secret line is kept nowhere", () => {
  const view = after(fresh(0), started(1), { event: "input", waiting: true, run: 1, hidden: true }, { do: "type_line", line: "1234" });
  expect(plain(lastRun(view)!.output)).toBe("\n");
});

test("what could not begin leads back to the form", () => {
  const view = after(fresh(0), { do: "join", name: "Me", invitation: "x" }, { event: "rejected", message: "no", hint: "" });
  expect([phase(view), view.rejected?.message]).toEqual(["start", "no"]);
});

test("who waits long is told what may be wrong, and no sooner", () => {
  const view = after(fresh(0), { do: "join", name: "Me", invitation: "x" }, party("Me", BEN, "waiting"), party("Ann", ANN, "admitted"));
  expect(stuck(view, 6_000)).toBe("");
  expect(stuck(view, 60_000)).toContain("Tell Ann that you are waiting");
  expect(stuck(after(view, { ...(party("Ann", ANN, "admitted") as object), state: "silent" } as SessionEvent), 6_000)).toContain("Ann is away just now");
});

test("a run that somebody stopped is told from one that failed", () => {
  const failed = (whose: "local" | "peer", reason: string): SessionEvent => ({ event: "run", run: 1, state: "failed", seconds: 2, whose, peer: whose === "peer" ? "Ann" : "", reason, hint: "", stopped: /stopped/.test(reason) });
  const view = after(fresh(0), started(1));
  expect(stoppedBy(lastRun(after(view, { do: "stop_run" }, failed("local", "You stopped the run.")))!)).toBe("");
  expect(stoppedBy(lastRun(after(view, failed("peer", "The run failed at Ann: its person stopped it.")))!)).toBe("Ann");
  expect(stoppedBy(lastRun(after(view, failed("local", "No disk.")))!)).toBeUndefined();
});

test("a guest is told at once that it is in, who is here, who is missing, and that it waits for a seat", () => {
  const lobby = (place: "waiting" | "seated" | "admitted", here: string[], missing: string[] = [], full = false): SessionEvent => ({ event: "lobby", place, here, missing, parties: 3, full });
  const knocked = after(fresh(0), { do: "join", name: "Me", invitation: "x" }, party("Me", BEN, "waiting"), party("Ann", ANN, "admitted"));
  expect(waitingFor(after(knocked, lobby("waiting", ["Ann", "Cyd", "Dan"], [], true)))).toBe("The session is full; you are waiting for a seat");
  expect(waitingFor(after(knocked, lobby("seated", ["Ann", "Me"])))).toBe("You have a seat. 2 of 3 are here");
  const back = after(knocked, { do: "accept" }, lobby("admitted", ["Ann", "Me"], ["Cyd"]));
  expect(waitingFor(back)).toBe("You are let in. 2 of 3 are here. Cyd is missing");
});

const hosting: View = { ...fresh(0), role: "host", planned: 2, invitation: { url: "x", code: "" } };

test("what was asked is void when the set-up begins again, and the host is asked what to do", () => {
  const asked = after(hosting, party("Me", BEN, "admitted"), party("Ann", ANN, "admitted"), { event: "words", words: ["a", "b", "c", "d"], epoch: 1 }, { event: "question", what: "accept", name: "Me", did: BEN });
  const held = after(asked, { event: "restarted", epoch: 2, reason: "Ann said no" }, { event: "question", what: "lobby", name: "", did: "" });
  expect(held).toMatchObject({ words: undefined, program: undefined });
  expect(held.questions.map((one) => one.what)).toEqual(["lobby"]);
  expect(waitingFor(held)).toBe("Not all have said yes. Change something, or ask again");
  expect(after(held, { do: "propose" }).questions).toEqual([]);
});

test("whom the host sent away is no loss, has no place, and may knock again", () => {
  const there = after(hosting, party("Me", BEN, "admitted"), party("Ann", ANN, "admitted"));
  expect([taken(there), free(there)]).toEqual([2, 0]);
  const waits = after(there, { do: "refuse", did: ANN, reason: "the host declined" }, party("Ann", ANN, "refused"));
  expect(present(waits).find((one) => one.did === ANN)).toMatchObject({ state: "refused", refused: true });
  const back = after(waits, { do: "admit", did: ANN }, party("Ann", ANN, "admitted"));
  expect(back.parties[1]).toMatchObject({ state: "admitted", refused: false });
  const away = after(waits, party("Ann", ANN, "left"));
  expect(present(away).find((one) => one.did === ANN)).toMatchObject({ state: "left", refused: true, detail: "" });
  expect([taken(away), free(away)]).toEqual([1, 1]);
  const again = after(away, party("Ann", ANN, "waiting"), { event: "question", what: "admit", name: "Ann", did: ANN });
  expect(again.questions).toHaveLength(1);
  expect(after(again, { do: "admit", did: ANN }, party("Ann", ANN, "admitted"), party("Ann", ANN, "left")).parties[1]).toMatchObject({ state: "left" });
});

test("whoever is at the door is seen first", () => {
  const knocking = after(hosting, party("Me", BEN, "admitted"), party("Ann", ANN, "waiting"));
  expect(present(knocking).map(({ name }) => name)).toEqual(["Ann", "Me"]);
});

test("more people take part once Python has agreed to it", () => {
  const more = after(hosting, { do: "change", parties: 3 });
  expect(more.planned).toBe(2);
  expect(after(more, { event: "planned", parties: 3 }).planned).toBe(3);
});

test("in a class one waits for a group, and then for its people", () => {
  const group = (number: number, names: string[]): SessionEvent => ({ event: "group", group: number, state: number ? "dealt" : "waiting", members: names.map((name) => ({ name, did: name, state: "dealt" })), host: "Tia", standing: "new" });
  const guest = after(fresh(0), { do: "join", name: "Me", invitation: "x" }, party("Tia", BEN, "waiting"), group(0, []));
  expect(waitingFor(guest)).toBe("You are in. Tia deals everybody to groups");
  expect(waitingFor(after(guest, group(2, ["Me", "Ann", "Ben"]), party("Me", BEN, "admitted")))).toBe("1 of 3 of your group are here");
});

test("who is left after a loss is in a lobby again, and its first run is not mixed with the one that failed", () => {
  const lost = after(hosting, party("Me", BEN, "admitted"), party("Ann", ANN, "admitted"), { event: "sealed", digest: "00", pid: 0, parties: [] }, started(1));
  const left = after(lost, { event: "restarted", epoch: 0, reason: "Ann is gone" }, { event: "invitation", url: "new", code: "" }, party("Me", BEN, "admitted"));
  expect([phase(lost), phase(left)]).toEqual(["run", "lobby"]);
  expect([left.invitation?.url, taken(left), free(left), left.runs]).toEqual(["new", 1, 1, []]);
  // What was told of the run that failed is over with it; why all begins again is told after this.
  const told = after(lost, { event: "notice", text: "The program of Ann has failed." }, { event: "restarted", epoch: 0, reason: "Ann is gone" }, { event: "notice", text: "Ann is gone." });
  expect(told.messages.map(({ text }) => text)).toEqual(["Ann is gone."]);
});

test("after somebody's no, a guest is told whom it waits for, and why, until it is asked", () => {
  const lobby = (here: string[], missing: string[]): SessionEvent => ({ event: "lobby", place: "admitted", here, missing, parties: 2, full: false });
  const guest: View = after({ ...fresh(0), role: "guest" }, party("Ann", ANN, "admitted"), words(1), { event: "restarted", epoch: 2, reason: "Carla said no" });
  const host = { ...guest, parties: guest.parties.map((one) => ({ ...one, pid: 0 })) };
  expect(waitingFor(after(host, lobby(["Ann", "Ben"], [])))).toBe("Waiting until Ann asks again (Carla said no)");
  // Who is missing comes first, and a new proposal ends it.
  expect(waitingFor(after(host, lobby(["Ann"], ["Ben"])))).toBe("You are let in. 1 of 2 are here. Ben is missing");
  expect(after(host, program(1)).askedAgain).toBe("");
  expect(after(host, { event: "restarted", epoch: 0, reason: "Carla is lost" }).askedAgain).toBe("");
});

test("a guest who is not let in is told that it can still be called back, and is not hurried", () => {
  const lobby = (place: "refused" | "seated"): SessionEvent => ({ event: "lobby", place, here: ["Ann"], missing: [], parties: 2, full: true });
  const guest = after({ ...fresh(0), role: "guest" }, { event: "party", name: "Ann", did: ANN, state: "admitted", standing: "new", pid: 0, detail: "" }, lobby("refused"));
  expect(waitingFor(guest)).toBe("Ann did not let you in, and can still call you back");
  expect(waitingFor({ ...guest, askedAgain: "Carla said no" })).toBe("Ann did not let you in, and can still call you back");
  expect(stuck(guest, 1e9)).toBe("");
  expect(waitingFor(after(guest, lobby("seated")))).toBe("You have a seat. 1 of 2 are here");
});
