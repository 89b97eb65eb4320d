/** One screen of the page in one state, named in the address: `?story=lobby-host&language=de`. */
import { mount, tick } from "svelte";
import { FakeSession } from "../../core/fake";
import Page from "../App.svelte";
import { App } from "../app.svelte";
import { speak } from "../texts";
import { stories } from "./stories";
import "../styles/base.css";
import "../styles/parts.css";

const asked = new URLSearchParams(location.search);
const name = asked.get("story") ?? "";
const target = document.getElementById("app");
const story = stories[name];

await speak(asked.get("language") ?? "en");
if (target && story) {
  const session = new FakeSession([]);
  const app = new App(() => session);
  await app.begin();
  app.change({ name: story.name ?? "Ben" });
  app.invitation = story.invitation;
  app.screen = story.screen ?? "start";
  app.interrupted = story.interrupted;
  app.left = story.left ?? null;
  app.forms.entry = story.entry ?? "";
  app.setback = story.setback ?? [];
  app.helping = story.helping ?? false;
  mount(Page, { target, props: { app, problem: story.problem } });
  for (const step of story.steps ?? []) {
    if ("do" in step) app.decide(step);
    else session.tell(step);
  }
  await tick();
  // Buttons that decide something take no click at once.
  if (story.press) await new Promise((resolve) => setTimeout(resolve, 700));
  for (const name of story.press ?? [])
    [...document.querySelectorAll<HTMLElement>("[role=tab], .tabs label, button, summary")].find((one) => one.textContent?.startsWith(name))?.click();
  await tick();
  // The picture may be taken.
  document.documentElement.dataset["told"] = "";
} else if (target) {
  for (const one of Object.keys(stories)) {
    const link = document.createElement("a");
    link.href = `?story=${one}`;
    link.textContent = one;
    target.append(link, document.createElement("br"));
  }
}
