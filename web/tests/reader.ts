/**
 * What somebody notices of a page who hears it and has no mouse: what is read aloud by itself, and when the cursor is lost.
 *
 * As a reader of the screen does, it reads what changes in a live region that was there before, and an alert when it
 * appears; a region that appears together with its text is silent.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { expect } from "vitest";

/** A page of any browser. */
export interface Heard {
  evaluate<R>(what: string | (() => R | Promise<R>)): Promise<R>;
}

interface Reader {
  heard: string[];
  lost: string[];
}

/** Begins to listen; it is to run before the page's own scripts. */
export function listening(): void {
  const reader: Reader = { heard: [], lost: [] };
  Object.assign(globalThis, { reader });
  const LIVE = "[aria-live=polite], [aria-live=assertive], [role=status], [role=log]:not([aria-live=off]), [role=alert]";
  /** Milliseconds for which the cursor may be nowhere while the screen changes. */
  const MOMENT = 400;
  const known = new WeakSet<Element>();

  const say = (text: string | null): void => {
    const line = (text ?? "").replace(/\s+/g, " ").trim();
    if (line) reader.heard.push(line);
  };
  const look = (changes: MutationRecord[]): void => {
    const told = new Set<Node>();
    for (const { type, target, addedNodes } of changes) {
      const at = target instanceof Element ? target : target.parentElement;
      const region = at?.closest(LIVE);
      if (!region || !known.has(region) || at?.closest("[aria-hidden=true]")) continue;
      for (const node of type === "childList" ? addedNodes : [target]) told.add(node instanceof Element ? node : (node.parentElement ?? node));
    }
    for (const node of told) if (node.isConnected) say(node.textContent);
    for (const region of document.querySelectorAll(LIVE)) {
      if (known.has(region)) continue;
      known.add(region);
      if (region.matches("[role=alert]")) say(region.textContent);
    }
  };
  addEventListener("DOMContentLoaded", () => {
    look([]);
    new MutationObserver(look).observe(document.documentElement, { childList: true, characterData: true, subtree: true });
  });

  let held: HTMLElement | undefined;
  let since = 0;
  setInterval(() => {
    const at = document.activeElement;
    if (at instanceof HTMLElement && at !== document.body) {
      held = at;
      since = 0;
      return;
    }
    // Past the last place there is nothing; what had the cursor is still there then.
    if (!held || (held.isConnected && held.offsetParent !== null && !held.matches(":disabled"))) return;
    since ||= performance.now();
    if (performance.now() - since < MOMENT) return;
    reader.lost.push(`after ${held.tagName} ${held.getAttribute("aria-label") ?? held.textContent?.slice(0, 40)}`);
    held = undefined;
    since = 0;
  }, 50);
}

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const heard = (page: Heard): Promise<string[]> => page.evaluate(() => (globalThis as unknown as { reader: Reader }).reader.heard);

/** Wait until something like this was read aloud since the last call for that page. */
export async function hears(page: Heard, wanted: RegExp): Promise<void> {
  await expect.poll(async () => (await heard(page)).join("\n")).toMatch(wanted);
  await page.evaluate(() => void (globalThis as unknown as { reader: Reader }).reader.heard.splice(0));
}

/** Where the cursor was lost. */
export const lost = (page: Heard): Promise<string[]> => page.evaluate(() => (globalThis as unknown as { reader: Reader }).reader.lost);

/** What is wrong with the screen for those who hear it or have no mouse, as axe-core finds it. */
export async function violations(page: Heard): Promise<string[]> {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(place: Document, options: object): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> } };
    return (await axe.run(document, { resultTypes: ["violations"] })).violations;
  });
  return found.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}
