/** What the screens ask of the view: where the session stands, who is missing, what this person must do next. */
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

/** Who takes part, in the order of the roster where there is one; those who were refused or left come not. */
export function present(view: View): Party[] {
  return view.parties
    .filter((party) => party.state !== "refused")
    .toSorted((one, other) => (one.pid ?? 1000) - (other.pid ?? 1000));
}

export function host(view: View): Party | undefined {
  return view.role === "host" ? me(view) : others(view).find((party) => party.pid === 0);
}

export const asked = (view: View, ...what: Question["what"][]): Question | undefined =>
  view.questions.find((question) => what.includes(question.what));

/** Whom a run may be waiting for: who types, who stopped answering, who has no program running any more. */
export function heldUp(view: View, run: Run): string {
  const names = (which: (party: Party) => boolean): string => listing(others(view).filter(which));
  const doing = new Map(run.stats?.now.peers.map((peer) => [peer.pid, peer.state]));
  const silent = names((party) => party.state === "silent");
  const typing = names((party) => party.state === "connected" && party.pid !== undefined && doing.get(party.pid) === "input");
  return [silent && `${silent}: silent`, typing && `${typing}: typing`].filter(Boolean).join("; ");
}

/** What the tab says of itself while somebody looks at another one. */
export function title(view: View): string {
  const run = lastRun(view);
  if (run?.waitsForInput) return "● Your input, Huddle";
  if (asked(view, "admit")) return "● Somebody is at the door, Huddle";
  if (asked(view, "accept", "program", "again")) return "● Your answer, Huddle";
  if (view.ended) return "Over, Huddle";
  if (run?.state === "running") return "Running, Huddle";
  return "Huddle";
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

/** One line: what the session waits for. */
export function waitingFor(view: View): string {
  if (view.leaving) return "Leaving the session";
  if (view.answer === "declined") return "You declined. The session ends here.";
  if (asked(view, "accept", "program")) return "Waiting for your answer";
  if (asked(view, "admit")) return "Somebody is at the door";
  if (asked(view, "again")) return "What next?";
  if (view.sealed) return view.runs.length === 0 ? "Connecting to the others" : view.role === "host" ? "Waiting for the others" : "Waiting for the host";
  if (view.answer === "accepted") {
    const missing = others(view).filter((party) => party.state === "admitted");
    return missing.length > 0 ? `Waiting until ${listing(missing)} ${missing.length === 1 ? "accepts" : "accept"}` : "Waiting until all have signed";
  }
  if (view.role === "guest") {
    return admitted(view).some((party) => party.standing === "self")
      ? "You are in. Waiting until everybody is here"
      : "Waiting for the host to let you in";
  }
  const here = admitted(view).length;
  if (view.invitation && view.planned !== undefined && here < view.planned) {
    const left = view.planned - here;
    return `Waiting for ${left} more ${left === 1 ? "party" : "parties"}`;
  }
  return view.invitation ? "Agreeing on the words" : "Opening a room";
}

export function listing(parties: readonly { name: string }[]): string {
  const names = parties.map((party) => party.name);
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
