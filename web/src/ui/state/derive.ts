/** What the screens ask of the view: where the session stands, who is missing, what this person must do next. */
import { clean } from "../lib/text";
import { listing, t } from "../texts";
import type { EventOf, Which } from "../../core/protocol";
import type { Party, Question, Run, View } from "./model";

export type Phase = "start" | "lobby" | "run" | "ended";

export function phase(view: View): Phase {
  if (view.ended) return "ended";
  if (view.sealed) return "run";
  return view.role ? "lobby" : "start";
}

export const lastRun = (view: View): Run | undefined => view.runs.at(-1);
export const running = (view: View): boolean => lastRun(view)?.state === "running" && !view.ended;
export const me = (view: View): Party | undefined => view.parties.find((party) => party.standing === "self");
export const others = (view: View): Party[] => view.parties.filter((party) => party.standing !== "self");

/** Whom one sees, first who is at the door, then in the order of the roster where there is one; who was refused is shown to the host until the start. */
export function present(view: View): Party[] {
  return view.parties
    .filter((party) => party.state !== "refused" || (view.role === "host" && !view.sealed))
    .toSorted((one, other) => place(one) - place(other));
}

const place = ({ state, standing, pid }: Party): number => (state === "waiting" && standing !== "self" ? -1 : (pid ?? 1000));

export function host(view: View): Party | undefined {
  return view.role === "host" ? me(view) : others(view).find((party) => party.pid === 0);
}

export const asked = (view: View, ...what: Question["what"][]): Question | undefined =>
  view.questions.find((question) => what.includes(question.what));

const names = (parties: readonly Party[]): string => listing(parties.map((party) => clean(party.name)));

/** Whether something is wrong with the answers that were looked at last. */
export const wrong = (view: View, which: Which): boolean => Object.keys(view.checked[which] ?? {}).length > 0;

/** Whom a run may be waiting for: who types, who stopped answering, who has no program running any more. */
export function heldUp(view: View, run: Run): string {
  const doing = new Map(run.stats?.now.peers.map((peer) => [peer.pid, peer.state]));
  const silent = others(view).filter((party) => party.state === "silent");
  const typing = others(view).filter((party) => party.state === "connected" && party.pid !== undefined && doing.get(party.pid) === "input");
  const said = [];
  if (silent.length > 0) said.push(t("run.silent", { names: names(silent) }));
  if (typing.length > 0) said.push(t("run.typing", { names: names(typing) }));
  return said.join("; ");
}

/** Whoever ended a run on purpose, which is no failure: "" for this person, a name for another; else undefined. */
export function stoppedBy(run: Run): string | undefined {
  if (run.state !== "failed") return undefined;
  if (run.whose === "local" && run.stopping) return "";
  return run.whose === "peer" && run.stopped ? run.peer : undefined;
}

/** What the tab says of itself while somebody looks at another one. */
export function title(view: View): string {
  const run = lastRun(view);
  if (run?.waitsForInput) return t("tab.input");
  if (atDoor(view)) return t("tab.door");
  if (asked(view, "accept", "program", "again", "lobby")) return t("tab.answer");
  if (run?.state === "finished") return t("tab.result");
  if (view.ended) return t("tab.over");
  if (run?.state === "running") return t("tab.running");
  return t("app.name");
}

/** What MPyC hides nothing behind: with two parties, or where the host chose so, the threshold is 0. */
export function hidesNothing(view: View): boolean {
  const flag = view.program?.flags.join(" ").match(/--threshold[ =](\d+)|-T ?(\d+)/);
  const threshold = flag ? Number(flag[1] ?? flag[2]) : view.threshold;
  if (threshold !== undefined) return threshold === 0;
  const parties = view.sealed?.members.length ?? view.planned ?? admitted(view).length;
  return view.words !== undefined && parties === 2;
}

function admitted(view: View): Party[] {
  return view.parties.filter((party) => !["waiting", "refused", "left", "gone"].includes(party.state));
}

/** How many have a place, this person among them. */
export const taken = (view: View): number => admitted(view).length;

/** The host: how many places nobody has. */
export const free = (view: View): number => Math.max(0, (view.planned ?? 0) - taken(view));

/** The host is to decide about somebody at the door, for whom there is a place. */
export const atDoor = (view: View): boolean => asked(view, "admit") !== undefined && free(view) > 0;

/** Whom this person has not heard say the words, and has not compared with before. */
export function unheard(view: View): Party[] {
  return others(view).filter((party) => !party.heard && party.standing !== "verified" && ["admitted", "seated", "accepted"].includes(party.state));
}

/** Nobody at all was heard, and there is somebody to hear: saying yes then takes one more step. */
export function heardNobody(view: View): boolean {
  return unheard(view).length > 0 && !others(view).some((party) => party.heard);
}

/** Seconds without any news after which somebody who waits is told what may be wrong. */
export const PATIENCE = 45;

/** What may be wrong where nothing happens for long before the words; `now` in milliseconds. */
export function stuck(view: View, now: number): string {
  if (view.sealed || view.words || view.ended || view.leaving || view.questions.length > 0) return "";
  const inviter = host(view) ?? others(view)[0];
  if (view.group || ["admitted", "refused"].includes(view.lobby?.place ?? "") || view.answer === "declined") return "";
  if (view.role === "guest" && inviter?.state === "silent") return t("lobby.hostAway", { name: clean(inviter.name) });
  if (now - view.lastNews < PATIENCE * 1000) return "";
  if (view.role === "host") return view.invitation && view.parties.length < (view.planned ?? 2) ? t("lobby.noAnswerHost") : "";
  if (view.role !== "guest" || !view.parties.length) return "";
  return inviter ? t("lobby.noAnswerGuest", { name: clean(inviter.name) }) : t("lobby.noHost");
}

/** One line: what the session waits for. */
export function waitingFor(view: View): string {
  if (view.leaving) return t("lobby.leaving");
  if (asked(view, "lobby")) return t("lobby.held");
  if (view.answer === "declined") return view.role === "host" ? t("lobby.held") : t("lobby.declined", { name: clean(host(view)?.name ?? "") });
  if (asked(view, "accept", "program")) return t("lobby.yourAnswer");
  if (atDoor(view)) return t("lobby.door");
  if (asked(view, "again")) return t("lobby.next");
  const inviter = others(view)[0];
  if (view.sealed) {
    if (view.runs.length === 0) return t("lobby.connecting");
    return view.role === "host" ? t("lobby.waitOthers") : t("lobby.waitHost", { name: clean(host(view)?.name ?? "") });
  }
  if (view.answer === "accepted") {
    const missing = others(view).filter((party) => ["admitted", "seated"].includes(party.state));
    return missing.length > 0 ? t("lobby.accepting", { count: missing.length, names: names(missing) }) : t("lobby.signing");
  }
  if (view.group) return grouped(view, view.group);
  if (view.role === "guest") {
    const name = clean(host(view)?.name ?? inviter?.name ?? "");
    if (view.lobby?.place === "refused") return seat(view.lobby, name);
    if (view.lobby && view.askedAgain !== "" && allIn(view.lobby)) return t("lobby.asksAgain", { name, reason: clean(view.askedAgain) });
    if (view.lobby) return seat(view.lobby, name);
    if (admitted(view).some((party) => party.standing === "self")) return view.program ? t("lobby.inAll") : t("lobby.in");
    return inviter ? t("lobby.knocked", { name: clean(inviter.name) }) : t("lobby.knocking");
  }
  const here = admitted(view).length;
  if (view.invitation && view.planned !== undefined && here < view.planned)
    return t("lobby.more", { here, all: view.planned, count: view.planned - here });
  return view.invitation ? t("lobby.words") : t("lobby.opening");
}

/** Where somebody of a class stands before the words. */
function grouped(view: View, { group, members, host }: NonNullable<View["group"]>): string {
  if (group === 0) return t("group.waiting", { name: clean(host) });
  return t("group.here", { here: admitted(view).length, all: members.length });
}

const allIn = (lobby: EventOf<"lobby">): boolean =>
  lobby.place === "admitted" && lobby.here.length === lobby.parties && lobby.missing.length === 0;

/** Where a guest stands before the start, and who is missing. */
function seat(lobby: EventOf<"lobby">, host: string): string {
  if (lobby.place === "refused") return t("lobby.refused", { name: host });
  if (lobby.place === "waiting" && lobby.full) return t("lobby.full");
  const here = lobby.here.length;
  if (allIn(lobby)) return t("lobby.allHere", { all: here, name: host });
  const key = lobby.place === "waiting" ? "lobby.here" : lobby.place === "seated" ? "lobby.seated" : "lobby.letIn";
  const counted = t(key, { here, all: Math.max(lobby.parties, here) });
  const count = lobby.missing.length;
  return count > 0 ? `${counted}. ${t("lobby.missing", { count, names: listing(lobby.missing.map(clean)) })}` : counted;
}
