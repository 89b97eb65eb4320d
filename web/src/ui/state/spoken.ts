/** What is read aloud to somebody who does not see the screen change: what came of a run, and what follows. */
import { clean, cleanLines, duration } from "../lib/text";
import { t } from "../texts";
import { lastRun, me, phase, waitingFor } from "./derive";
import type { View } from "./model";
import { said } from "./output";

/** Characters of a result that are read without being asked for; all of it stands under its heading. */
export const MOST = 500;

/** The result of the last run. Failures are alerts, where the screen shows them. */
export function outcome(view: View): string {
  const run = lastRun(view);
  if (run?.state !== "finished" || run.plain) return "";
  const took = t("run.took", { run: run.run, time: duration(run.seconds ?? 0) });
  return `${t("run.finished")}. ${took} ${cleanLines(said(run.output)).slice(0, MOST)}`.trim();
}

/** What the session waits for between runs. */
export function awaited(view: View): string {
  return phase(view) === "run" && lastRun(view)?.state !== "running" ? waitingFor(view) : "";
}

/** What somebody else said last. */
export function chatted(view: View): string {
  const said = view.chat.findLast(({ name }) => name !== me(view)?.name);
  return said ? `${clean(said.name)}: ${cleanLines(said.text)}` : "";
}
