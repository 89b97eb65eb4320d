/** The page begins: what can't work is said at once; else a session's worker gets ready while the person reads. */
import { mount } from "svelte";
import { openSession } from "../core/session";
import App from "./App.svelte";
import { App as State } from "./app.svelte";
import { watchVisibility } from "./lib/awake";
import { fromAddress } from "./lib/entry";
import { contacts } from "./lib/keeping";
import { cryptographyProblem, problem } from "./lib/support";
import { places } from "./places";
import "./styles/base.css";
import "./styles/parts.css";

/** The rendezvous is where the page is: `…/`, or `…/j` of an invitation. */
const rendezvous = location.origin + location.pathname.replace(/\/(j|index\.html)?$/, "");

const unable = problem(globalThis);
const app = new State(() => openSession({ places, rendezvous, contacts: contacts() }));
app.invitation = fromAddress(location.href);
addEventListener("hashchange", () => {
  if (app.view.role === undefined) app.invitation = fromAddress(location.href);
});

const target = document.getElementById("app");
// What stands there until now is for browsers that do not come so far.
target?.replaceChildren();
if (target) mount(App, { target, props: { app, problem: unable } });
if (!unable) {
  void app.begin();
  void cryptographyProblem(crypto.subtle).then((found) => found && app.fail(found));
}

watchVisibility();
if (import.meta.env.PROD && "serviceWorker" in navigator) void navigator.serviceWorker.register("sw.js").catch(() => undefined);
