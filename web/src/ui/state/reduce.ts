/**
 * The one place where the page's knowledge of a session changes: a pure function of what was known, what
 * happened or was decided, and when. The screens only read its result.
 */
import type { Decision, EventOf, SessionEvent } from "../../core/protocol";
import type { Link, Message, Party, Question, Run, View } from "./model";
import { me } from "./derive";
import { clean } from "../lib/text";
import { t } from "../texts";
import { append } from "./output";
import { sampled } from "./stats";

export type Happening = { event: SessionEvent } | { decision: Decision };

/** `at`: milliseconds of the wall clock. */
export function reduce(view: View, what: Happening, at: number): View {
  return "event" in what ? happened(view, what.event, at) : decided(view, what.decision, at);
}

function happened(view: View, event: SessionEvent, at: number): View {
  switch (event.event) {
    case "progress":
      return { ...view, progress: event };
    case "ready":
      return milestone({ ...view, ready: { did: event.did, seconds: event.seconds } }, t("setup.ready"), at);
    case "broken":
      return { ...view, broken: { message: event.message, hint: event.hint } };
    case "rejected":
      return { ...view, role: undefined, rejected: { message: event.message, hint: event.hint } };
    case "examined":
      return { ...view, examined: event, checked: { ...view.checked, shared: undefined } };
    case "checked":
      return { ...view, checked: { ...view.checked, [event.which]: event.problems } };
    case "invitation":
      return milestone({ ...view, invitation: { url: event.url, code: event.code } }, t("setup.room"), at);
    case "party":
      return { ...withParty(view, event), lastNews: at };
    case "lobby":
      return { ...view, lobby: event, answer: undefined, lastNews: at };
    case "program":
      return {
        ...view,
        program: { ...event, contents: undefined, form: undefined },
        lobby: undefined,
        askedAgain: "",
        checked: { ...view.checked, own: undefined },
        answer: undefined,
        questions: view.questions.filter((question) => !isAboutProgram(question)),
      };
    case "files":
      if (view.program?.run !== event.run) return view;
      return { ...view, program: { ...view.program, contents: event.files, form: event.form } };
    case "question":
      return { ...view, questions: [...view.questions.filter((old) => !sameQuestion(old, event)), event] };
    case "chat":
      return { ...view, chat: [...view.chat, { name: event.name, text: event.text, at }] };
    case "words":
      return milestone(newWords(view, event), event.epoch > 1 ? t("setup.wordsAgain", { epoch: event.epoch }) : t("setup.words"), at);
    case "restarted":
      // Somebody was lost after the start: who is left is in a new room, where all is told anew and runs count from 1.
      if (event.epoch === 0) view = { ...view, sealed: undefined, invitation: undefined, parties: [], questions: [], messages: [], runs: [] };
      return {
        ...answered(view, isAboutProgram),
        ...{ words: undefined, program: undefined, lobby: undefined, answer: undefined, lastNews: at },
        askedAgain: event.epoch === 0 ? "" : event.reason,
      };
    case "planned":
      return { ...view, planned: event.parties };
    case "group":
      return { ...view, group: event, lastNews: at };
    case "sealed":
      return milestone(sealed(view, event), t("setup.signed"), at);
    case "words_differ": {
      const differed = { name: event.name, mine: event.did === me(view)?.did, epoch: event.epoch };
      return { ...answered(view, isAboutProgram), differed, words: undefined };
    }
    case "link":
      return linked(withLink(view, event.peer, () => ({ ...event, up: true })), event, at);
    case "reconnect":
      return withLink(view, event.peer, (link) => link && { ...link, up: event.state === "restored" });
    case "run":
      return run(view, event, at);
    case "plain":
      return inRun(view, event.run, (run) => ({
        ...run,
        plain: { config: event.config, command: event.command, mpyc: event.mpyc },
      }));
    case "output":
      return inRun(view, event.run, (run) => append(run, event.stream, event.text));
    case "input":
      return inRun(view, event.run, (run) => ({ ...run, waitsForInput: event.waiting, hidden: event.hidden === true }));
    case "stats":
      return inRun(view, event.run, (run) => ({ ...run, stats: sampled(run.stats, event) }));
    case "written":
      return inRun(view, event.run, (run) => ({ ...run, written: { ...run.written, ...event.files } }));
    case "notice":
      return message(view, { kind: "notice", whose: "", peer: "", text: event.text, hint: "" });
    case "error":
      return message(view, { ...event, kind: "error", text: event.message });
    case "kept":
      return { ...view, record: event.record ?? view.record };
    case "ended":
      return {
        ...view,
        ended: { reason: event.reason, clean: event.clean, left: event.left },
        questions: [],
        runs: view.runs.map((run) => ({ ...run, waitsForInput: false })),
      };
    default:
      return view; // further events may appear within a version
  }
}

function decided(view: View, decision: Decision, at: number): View {
  switch (decision.do) {
    case "host":
      return {
        ...view,
        role: "host",
        rejected: undefined,
        lastNews: at,
        planned: decision.parties,
        threshold: decision.threshold,
        stay: decision.stay ?? false,
      };
    case "join":
      return { ...view, role: "guest", rejected: undefined, lastNews: at };
    case "examine":
    case "check":
    case "end_room":
      return view;
    case "admit": {
      const parties = view.parties.map((party) => (party.did === decision.did ? { ...party, refused: false } : party));
      return answered({ ...view, parties }, (question) => question.what === "admit" && question.did === decision.did);
    }
    case "refuse": {
      const parties = view.parties.map((party) => (party.did === decision.did ? { ...party, refused: true } : party));
      return answered({ ...view, parties }, (question) => question.what === "admit" && question.did === decision.did);
    }
    case "heard":
      return {
        ...view,
        parties: view.parties.map((party) => ({ ...party, heard: decision.dids.includes(party.did) })),
      };
    case "accept":
      return { ...answered(view, isAboutProgram), answer: "accepted" };
    case "differ":
      return answered(view, isAboutProgram);
    case "propose":
      return answered(view, (question) => question.what === "lobby");
    case "change":
    case "new_code":
      return view;
    case "not_now":
    case "decline":
      return { ...answered(view, isAboutProgram), answer: "declined" };
    case "again":
    case "finish":
      return answered(view, (question) => question.what === "again");
    case "type_line":
      return withLastRun(view, (run) => ({
        ...append(run, "typed", decision.line === undefined || run.hidden ? "\n" : `${decision.line}\n`),
        waitsForInput: false,
      }));
    case "stop_run":
      return withLastRun(view, (run) => ({ ...run, stopping: true }));
    case "leave":
      return { ...view, leaving: true };
    case "say":
      return { ...view, chat: [...view.chat, { name: me(view)?.name ?? "", text: decision.text, at }] };
  }
}

const isAboutProgram = (question: Question) => question.what === "accept" || question.what === "program";
const sameQuestion = (one: Question, other: Question) => one.what === other.what && one.did === other.did;

function answered(view: View, which: (question: Question) => boolean): View {
  return { ...view, questions: view.questions.filter((question) => !which(question)) };
}

function milestone(view: View, label: string, at: number): View {
  if (view.milestones.some((milestone) => milestone.label === label)) return view;
  return { ...view, milestones: [...view.milestones, { label, at: at - view.began }] };
}

function message(view: View, said: Omit<Message, "id">): View {
  const id = view.lastMessage + 1;
  const { kind, whose, peer, text, hint } = said;
  return { ...view, lastMessage: id, messages: [...view.messages, { id, kind, whose, peer, text, hint }] };
}

function withParty(view: View, event: EventOf<"party">): View {
  const { did, name, state, standing, pid, detail } = event;
  const old = view.parties.find((party) => party.did === did);
  // Whom this person has sent away is no loss, and may come back.
  const refused = ["left", "gone", "refused"].includes(state) && old?.refused === true;
  const party: Party = {
    heard: old?.heard ?? false,
    link: old?.link,
    ...{ did, name, state, standing, detail: refused ? "" : detail },
    refused,
    pid: pid ?? old?.pid,
  };
  const parties = old ? view.parties.map((other) => (other === old ? party : other)) : [...view.parties, party];
  // Who is no longer at the door needs no answer.
  const questions = view.questions.filter((question) => question.what !== "admit" || question.did !== did || state === "waiting");
  return { ...view, parties, questions };
}

function newWords(view: View, event: EventOf<"words">): View {
  // What was heard and accepted counts for the words of its own epoch only.
  return {
    ...view,
    words: { words: event.words, epoch: event.epoch },
    // Words come before a sealing: if one has been, somebody was lost, and this is another session.
    ...(view.sealed ? { sealed: undefined, runs: [] } : {}),
    answer: undefined,
    parties: view.parties.map((party) => ({ ...party, heard: false })),
  };
}

function sealed(view: View, event: EventOf<"sealed">): View {
  const pids = new Map(event.parties.map((member) => [member.did, member.pid]));
  return {
    ...answered(view, (question) => question.what !== "again"),
    sealed: { digest: event.digest, members: event.parties, pid: event.pid },
    parties: view.parties.map((party) => ({ ...party, pid: pids.get(party.did) ?? party.pid })),
  };
}

/** The first link of the session with each peer is a step of its set-up. */
function linked(view: View, { peer, network, run }: EventOf<"link">, at: number): View {
  const label = t("setup.linked", { name: clean(peer) });
  if (run > 0 || view.milestones.some((milestone) => milestone.label.startsWith(`${label} (`))) return view;
  return milestone(view, `${label} (${clean(network)})`, at);
}

function withLink(view: View, peer: string, change: (link: Link | undefined) => Link | undefined): View {
  const inRoster = new Set(view.sealed?.members.map((member) => member.did));
  return {
    ...view,
    parties: view.parties.map((party) =>
      party.name === peer && party.standing !== "self" && (inRoster.size === 0 || inRoster.has(party.did))
        ? { ...party, link: change(party.link) }
        : party,
    ),
  };
}

function run(view: View, event: EventOf<"run">, at: number): View {
  if (event.state === "started") {
    const { entry = "", digest = "", args = [] } = view.program ?? {};
    const started: Run = {
      ...{ run: event.run, entry, digest, args, state: "running", startedAt: at, seconds: undefined },
      ...{ whose: "", peer: "", reason: "", hint: "", output: [], length: 0, waitsForInput: false, hidden: false },
      ...{ stats: undefined, written: {}, stopping: false, stopped: false, plain: undefined },
    };
    // What was to be known before the decision is not in the way after it.
    const messages = view.messages.filter((message) => message.kind === "error");
    return milestone({ ...view, messages, runs: [...view.runs, started] }, t("setup.runs"), at);
  }
  const { state, seconds, whose, peer, reason, hint, stopped = false } = event;
  return inRun(view, event.run, (run) => ({
    ...run,
    ...{ state, seconds, whose, peer, reason, hint, stopped, waitsForInput: false },
  }));
}

function inRun(view: View, number: number, change: (run: Run) => Run): View {
  return { ...view, runs: view.runs.map((run) => (run.run === number ? change(run) : run)) };
}

function withLastRun(view: View, change: (run: Run) => Run): View {
  const last = view.runs.at(-1);
  return last ? inRun(view, last.run, change) : view;
}
