/**
 * What the screens share: the view of the present session, the decisions, the settings kept here.
 * The session itself comes from `open`, which makes a real one or, in stories, one of a script.
 */
import { getContext, setContext } from "svelte";
import type { Decision, Session, SessionEvent } from "../core/protocol";
import { stayAwake } from "./lib/awake";
import type { Files } from "./lib/files";
import { interrupted, note, type Interrupted } from "./lib/interrupted";
import { forgetSettings, keepContacts, keepRun, keepSettings, settings, DEFAULTS, type Settings } from "./lib/keeping";
import type { Problem } from "./lib/support";
import { lastRun, running } from "./state/derive";
import { fresh, type Run, type View } from "./state/model";
import { withoutTyped } from "./state/output";
import { reduce, type Happening } from "./state/reduce";

export type Screen = "start" | "host" | "join" | "past";

export class App {
  view = $state.raw<View>(fresh(Date.now()));
  screen = $state<Screen>("start");
  settings = $state<Settings>(settings());
  /** The invitation with which this page was opened. */
  invitation = $state<string | undefined>();
  /** What the page of this tab was in the middle of when it was loaded again. */
  interrupted = $state.raw<Interrupted | undefined>(interrupted());
  /** What the program gets from this person alone. */
  privateArgs = $state<string[]>([]);
  inputs = $state.raw<Files>({});
  /** A fresh identity for this session alone. */
  pseudonym = $state(false);
  /** The program runs elsewhere: plain MPyC behind a WireGuard app. */
  plainEnd = $state(false);
  private session: Session | undefined;

  constructor(private readonly open: () => Session | Promise<Session>) {}

  /** A new session's worker; it gets ready while the person reads. */
  async begin(): Promise<void> {
    this.session?.close();
    this.session = undefined;
    this.view = fresh(Date.now());
    this.privateArgs = [];
    this.inputs = {};
    this.plainEnd = this.pseudonym = false;
    const began = this.view;
    try {
      const session = await this.open();
      // Somebody may have begun anew meanwhile.
      if (this.view.began !== began.began) return session.close();
      this.session = session;
      session.subscribe((event) => this.happen(event));
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      this.fail({ what, todo: "Reload the page. If it stays so, try another browser." });
    }
  }

  /** No session is possible here after all. */
  fail({ what, todo }: Problem): void {
    this.session?.close();
    this.session = undefined;
    this.take({ event: { event: "broken", message: what, hint: todo } });
  }

  decide(decision: Decision): void {
    this.take({ decision });
    this.session?.send(decision);
  }

  /** To the start, as if the page had been opened without an invitation. */
  anew(): void {
    this.invitation = undefined;
    if (location.hash) history.replaceState(null, "", location.pathname);
    this.screen = "start";
    void this.begin();
  }

  change(changes: Partial<Settings>): void {
    this.settings = { ...this.settings, ...changes };
    keepSettings(this.settings);
  }

  forgetSettings(): void {
    this.settings = DEFAULTS;
    forgetSettings();
  }

  private happen(event: SessionEvent): void {
    this.take({ event });
    if (event.event === "kept") keepContacts(event.contacts);
    if (event.event === "run" && event.state !== "started") {
      const run = this.view.runs.find((run) => run.run === event.run);
      if (run && this.settings.keepRuns) void keepRun(this.past(run)).catch(() => undefined);
    }
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

const KEY = Symbol("app");

export const provide = (app: App): App => setContext(KEY, app);
export const useApp = (): App => getContext<App>(KEY);
