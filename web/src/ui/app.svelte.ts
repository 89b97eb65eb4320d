/**
 * What the screens share: the view of the present session, the decisions, the forms, the settings kept here.
 * The session itself comes from `open`, which makes a real one or, in stories, one of a script.
 */
import { getContext, setContext } from "svelte";
import type { Answers, Decision, Program, Session, SessionEvent, Which } from "../core/protocol";
import * as attention from "./lib/attention";
import { stayAwake } from "./lib/awake";
import type { Address } from "./lib/entry";
import type { Files } from "./lib/files";
import { TEMPLATE } from "./lib/gallery";
import { interrupted, note, type Interrupted } from "./lib/interrupted";
import { joinArguments } from "./lib/files";
import { forgetSettings, keepContacts, keepRun, keepSettings, settings, DEFAULTS, type Settings } from "./lib/keeping";
import { HostedRoom, forgetRoom, leftRooms, type Hosted, type LeftRoom } from "./lib/rooms";
import type { Problem } from "./lib/support";
import { Companion } from "./lib/trial";
import { atDoor, lastRun, phase, running, wrong } from "./state/derive";
import { fresh, type Message, type Run, type View } from "./state/model";
import { withoutTyped } from "./state/output";
import { reduce, type Happening } from "./state/reduce";
import { t } from "./texts";

export type Screen = "start" | "host" | "join" | "past";

/** Which program, as it stands in the form. */
export class Choice {
  from = $state<"gallery" | "files" | "editor">("gallery");
  sample = $state("");
  files = $state.raw<Files>({});
  entry = $state("");
  source = $state(TEMPLATE);
  beside = $state.raw<Files>({});
  /** To what the program asks the host for all. */
  answers = $state.raw<Answers>({});
  /** What comes of it; undefined while nothing is chosen. */
  program = $state.raw<Omit<Program, "args" | "answers"> | undefined>();
}

/** What somebody entered who hosts or joins; it stays until a session has begun. */
export class Forms {
  choice = new Choice();
  parties = $state(3);
  args = $state("");
  threshold = $state<number | null>(null);
  noPrss = $state(false);
  stay = $state(true);
  record = $state(false);
  /** A link or a code. */
  entry = $state("");
  digest = $state("");
  recordOnly = $state(false);
  /** What the program gets from this person alone. */
  privateArgs = $state<string[]>([]);
  inputs = $state.raw<Files>({});
  /** To what the program asks of this person alone. */
  answers = $state.raw<Answers>({});
  /** The SHA-256 of the source to which these were given: another program gets none of them. */
  answersFor = "";
  /** A fresh identity for this session alone. */
  pseudonym = $state(false);
  /** The program runs elsewhere: plain MPyC behind a WireGuard app. */
  plainEnd = $state(false);

  /** As somebody filled them in who hosts this. */
  static of({ program, parties, threshold, noPrss, stay, record }: Hosted): Forms {
    const forms = new Forms();
    forms.choice.from = "files";
    forms.choice.files = program.files;
    forms.choice.entry = program.entry;
    forms.choice.answers = program.answers ?? {};
    forms.choice.program = { entry: program.entry, files: program.files };
    forms.args = joinArguments(program.args);
    forms.parties = parties;
    forms.threshold = threshold ?? null;
    forms.noPrss = noPrss ?? false;
    forms.stay = stay ?? false;
    forms.record = record ?? false;
    return forms;
  }
}

export class App {
  view = $state.raw<View>(fresh(Date.now()));
  screen = $state<Screen>("start");
  settings = $state<Settings>(settings());
  forms = $state.raw(new Forms());
  /** The invitation with which this page was opened. */
  invitation = $state<string | undefined>();
  /** What the page of this tab was in the middle of when it was loaded again. */
  interrupted = $state.raw<Interrupted | undefined>(interrupted());
  /** A session that this person hosted and left before its start; null: there is none, undefined: not known yet. */
  left = $state.raw<LeftRoom | null | undefined>();
  /** Why the last attempt came to nothing; its form is there again. */
  setback = $state.raw<Pick<Message, "text" | "hint" | "whose" | "peer">[]>([]);
  /** How this works is being read. */
  helping = $state(false);
  /** The other people are made up. */
  trial = $state(false);
  private session: Session | undefined;
  private companions: Companion[] = [];
  private readonly hosted = new HostedRoom();
  /** The page went away while guests waited for it. */
  private away = false;
  private examined = 0;
  /** Answers that the session is looking at, and who waits for that. */
  private looking = { shared: 0, own: 0 };
  private looked: (() => void)[] = [];
  /** This session is left for another try with all that was entered. */
  private knocking = false;

  constructor(private readonly open: () => Session | Promise<Session>) {}

  /** A new session's worker; it gets ready while the person reads. */
  async begin(): Promise<void> {
    this.session?.close();
    this.session = undefined;
    this.looking = { shared: 0, own: 0 };
    for (const companion of this.companions.splice(0)) companion.close();
    this.view = fresh(Date.now());
    const began = this.view;
    try {
      const session = await this.open();
      // Somebody may have begun anew meanwhile.
      if (this.view.began !== began.began) return session.close();
      this.session = session;
      session.subscribe((event) => this.happen(event));
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      this.fail({ what, todo: t("cant.reload") });
    }
  }

  /** Whether somebody can go on here with a session that they left before its start. */
  async look(): Promise<void> {
    this.left = (await leftRooms())[0] ?? null;
  }

  /** Host again what was left before its start: the link leads here, and whoever waits keeps the place. */
  async comeBack(): Promise<void> {
    const { left } = this;
    if (!left || this.view.role) return;
    if (!(await this.hosted.take(left))) return this.look(); // another page of this browser was quicker
    this.left = null;
    this.forms = Forms.of(left.hosted);
    this.screen = "host";
    this.decide({ do: "host", ...left.hosted, again: left.kept });
  }

  /** Nobody goes on with it, and whoever waits is told so. */
  async giveUp(): Promise<void> {
    const { left } = this;
    if (!left) return;
    this.left = null;
    this.interrupted = undefined;
    this.session?.send({ do: "end_room", kept: left.kept });
    await forgetRoom(left);
    await this.look();
  }

  /** No session is possible here after all. */
  fail({ what, todo }: Problem): void {
    this.session?.close();
    this.session = undefined;
    this.take({ event: { event: "broken", message: what, hint: todo } });
  }

  decide(decision: Decision): void {
    attention.mayBeHeard();
    if (decision.do === "host" || decision.do === "join") this.setback = [];
    if (decision.do === "host") this.hosted.begins(decision);
    if (decision.do === "change") this.hosted.changes(decision.program, decision.parties);
    if (decision.do === "again") this.hosted.changes(decision.program);
    if (decision.do === "admit" || decision.do === "refuse") this.hosted.seats(decision.did, decision.do === "admit");
    this.take({ decision });
    this.session?.send(decision);
  }

  /** Whoever was not let in goes back to the form, where all that was entered still stands. */
  knockAgain(): void {
    this.knocking = true;
    this.decide({ do: "leave", reason: "knocks again" });
  }

  /** Have a program looked at; `view.examined` says what was found, under this number. */
  examine(entry: string, files: Files): number {
    this.session?.send({ do: "examine", number: ++this.examined, entry, files });
    return this.examined;
  }

  /** Have answers looked at; `view.checked` says what was found. */
  check(which: Which, answers: Answers): void {
    if (!this.session) return;
    this.looking[which] += 1;
    this.session.send({ do: "check", which, answers });
  }

  /** Whether something is wrong with the answers as they are now, of which the session may not have said it yet. */
  async wrong(which: Which): Promise<boolean> {
    while (this.looking[which] > 0) await new Promise<void>((resolve) => this.looked.push(resolve));
    return wrong(this.view, which);
  }

  /** Host with people who are made up. */
  tryAlone(): void {
    this.forms = new Forms();
    this.forms.choice.sample = "average_salary.py";
    this.screen = "host";
    this.trial = true;
  }

  /** What the page's address asks for. */
  visit({ invitation, code, host }: Address): void {
    this.invitation = invitation;
    if (code) {
      this.forms.entry = code;
      this.screen = "join";
    } else if (host) {
      this.forms.choice.sample = host.program.replace(/(\.py)?$/, ".py");
      if (host.parties) this.forms.parties = host.parties;
      this.screen = "host";
    }
  }

  /** To the start, as if the page had been opened without an invitation. */
  anew(): void {
    this.invitation = undefined;
    this.setback = [];
    this.trial = false;
    this.forms = new Forms();
    if (location.hash) history.replaceState(null, "", location.pathname);
    this.screen = "start";
    void this.begin();
    void this.look();
  }

  /** From a form to the first screen. */
  back(): void {
    this.setback = [];
    this.trial = false;
    this.screen = "start";
  }

  change(changes: Partial<Settings>): void {
    this.settings = { ...this.settings, ...changes };
    keepSettings(this.settings);
  }

  forgetSettings(): void {
    this.settings = DEFAULTS;
    forgetSettings();
  }

  /**
   * The page goes away: the others need not wait for somebody who does not come back. A host can come back until the
   * start, and says nothing then: whoever waits is told that the connection ended.
   */
  goodbye(): void {
    const at = phase(this.view);
    if (at !== "lobby" && at !== "run") return;
    if (at === "lobby" && this.hosted.isKept) {
      this.away = true;
      this.session?.close();
      this.hosted.close();
      return;
    }
    this.session?.send({ do: "leave", reason: "closed the page" });
    // Its worker lives no longer than the page, and needs so long to say it.
    const until = performance.now() + GOODBYE;
    while (performance.now() < until);
  }

  /** The page is there again as it was when it went away: without the session. */
  returns(): void {
    if (this.away) location.reload();
  }

  private happen(event: SessionEvent): void {
    const before = this.view;
    this.take({ event });
    if (event.event === "checked") {
      this.looking[event.which] -= 1;
      for (const tell of this.looked.splice(0)) tell();
    }
    if (event.event === "room" && !this.trial) this.hosted.keep(event.kept);
    if (event.event === "party" && ["left", "gone"].includes(event.state)) this.hosted.seats(event.did, false);
    if (event.event === "question" && event.what === "admit" && this.hosted.hadPlace(event.did)) this.decide({ do: "admit", did: event.did });
    if (event.event === "ended") this.hosted.close();
    if (event.event === "kept") keepContacts(event.contacts);
    if (event.event === "run" && event.state !== "started") {
      const run = this.view.runs.find((run) => run.run === event.run);
      if (run && this.settings.keepRuns) void keepRun(this.past(run)).catch(() => undefined);
    }
    if (event.event === "rejected") {
      // What can't be come back to is not offered again.
      if (this.hosted.isKept) this.hosted.keep("");
      this.fallBack([{ text: event.message, hint: event.hint, whose: "local", peer: "" }]);
    }
    if (event.event === "ended") this.cameToNothing(before);
    if (event.event === "invitation" && this.trial) {
      const names = [t("trial.name1"), t("trial.name2")];
      this.companions = names.map((name) => new Companion(name, () => this.open(), event.url));
    }
    this.callFor(event);
  }

  /** A session that never began: what was entered is there again, with the reason. */
  private cameToNothing(before: View): void {
    if (this.knocking) {
      this.knocking = false;
      void this.begin();
      return;
    }
    if (before.sealed || before.leaving || before.answer === "declined" || before.differed || !before.role) return;
    const errors = before.messages.filter((message) => message.kind === "error");
    if (errors.length === 0) return;
    this.fallBack(errors.slice(-2));
    void this.begin();
    void this.look();
  }

  private fallBack(why: App["setback"]): void {
    this.setback = why;
    if (!this.invitation && this.screen !== "host") this.screen = "join";
  }

  /** Somebody who looks at something else is told that it is their turn. */
  private callFor(event: SessionEvent): void {
    if (!this.settings.alerts) return;
    // Who waits for somebody to knock does not look at the page all the time.
    if (event.event === "question" && event.what === "admit" && !atDoor(this.view)) return;
    if (event.event === "question" && event.what === "admit") attention.call(t("alerts.knock", { name: event.name }), true);
    else if (event.event === "question") attention.call(t("alerts.decision"));
    else if (event.event === "input" && event.waiting) attention.call(t("alerts.input"));
  }

  private take(what: Happening): void {
    this.view = reduce(this.view, what, Date.now());
    note(this.view);
    if (this.view.role) this.interrupted = undefined;
    stayAwake(running(this.view) || (this.view.role !== undefined && !this.view.ended && lastRun(this.view) === undefined));
  }

  private past(run: Run) {
    const { entry, digest, args, reason, seconds } = run;
    const parties = this.view.sealed?.members.map((member) => member.name) ?? [];
    const state = run.state === "finished" ? ("finished" as const) : ("failed" as const);
    return { at: run.startedAt, entry, digest, args: [...args], parties, state, reason, seconds, output: withoutTyped(run.output) };
  }
}

/** Milliseconds that a worker needs to say goodbye. */
const GOODBYE = 400;

const KEY = Symbol("app");

export const provide = (app: App): App => setContext(KEY, app);
export const useApp = (): App => getContext<App>(KEY);
