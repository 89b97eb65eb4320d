/** The page begins: what can't work is said at once; else a session's worker gets ready while the person reads. */
import { mount } from "svelte";
import { openSession, type Sentences } from "../core/session";
import App from "./App.svelte";
import { App as State } from "./app.svelte";
import { watchVisibility } from "./lib/awake";
import { fromAddress, rendezvousOf } from "./lib/entry";
import { contacts } from "./lib/keeping";
import { cryptographyProblem, problem } from "./lib/support";
import { places } from "./places";
import { sentences, speak, t } from "./texts";
import "./styles/base.css";
import "./styles/parts.css";

const rendezvous = rendezvousOf(location);

await speak();
const unable = problem(globalThis);
const said: Sentences = { script: t("cant.script"), reload: t("cant.reload"), lacks: (name, reason) => t("program.lacks", { name, reason }) };
const app = new State(() => openSession({ places, rendezvous, contacts: contacts(), catalogue: sentences(), sentences: said }));
const address = fromAddress(location.href);
app.visit(address);
// A code is as good as a key for some minutes: it is not to stay in the address.
if (address.code) history.replaceState(null, "", `${rendezvous}/`);
addEventListener("hashchange", () => {
  if (app.view.role === undefined) app.visit(fromAddress(location.href));
});
addEventListener("pagehide", () => app.goodbye());
window.addEventListener("pageshow", (event) => event.persisted && app.returns());

// Files and workers come while the page is drawn.
if (!unable) void app.begin();
const target = document.getElementById("app");
// What stands there until now is for browsers that do not come so far.
target?.replaceChildren();
if (target) mount(App, { target, props: { app, problem: unable } });
if (!unable) {
  void app.look();
  void cryptographyProblem(crypto.subtle).then((found) => found && app.fail(found));
}

watchVisibility();
if (import.meta.env.PROD && "serviceWorker" in navigator) void navigator.serviceWorker.register("sw.js").catch(() => undefined);
