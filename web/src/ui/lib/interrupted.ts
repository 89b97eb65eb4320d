/**
 * A session lives in its page only. So that somebody who loads the page again in mid-session is told what
 * became of it, this tab keeps who and what it was until the session has ended; no secrets.
 */
import { lastRun, others, phase } from "../state/derive";
import type { View } from "../state/model";

export interface Interrupted {
  /** What it was about: the program, where it was known. */
  entry: string;
  /** The others who took part. */
  names: string[];
  /** It had begun: all had signed, and the link opens nothing any more. */
  sealed: boolean;
  running: boolean;
  host: boolean;
}

const KEY = "huddle session";

/** What is to be told if the page is loaded again now; undefined where nothing would be lost. */
export function summary(view: View): Interrupted | undefined {
  const at = phase(view);
  if (at !== "lobby" && at !== "run") return undefined;
  return {
    entry: lastRun(view)?.entry ?? view.program?.entry ?? "",
    names: others(view)
      .filter((party) => !["waiting", "refused", "gone", "left"].includes(party.state))
      .map((party) => party.name),
    sealed: at === "run",
    running: lastRun(view)?.state === "running",
    host: view.role === "host",
  };
}

/** Keep it in this tab. */
export function note(view: View): void {
  try {
    const now = summary(view);
    if (now) sessionStorage.setItem(KEY, JSON.stringify(now));
    else sessionStorage.removeItem(KEY);
  } catch {
    return; // where a browser forbids storage, nothing is told
  }
}

/** What the last page in this tab was in the middle of. */
export function interrupted(): Interrupted | undefined {
  try {
    const kept = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    return kept ? (JSON.parse(kept) as Interrupted) : undefined;
  } catch {
    return undefined;
  }
}
