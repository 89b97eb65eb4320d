// Takes a picture of every story, light, dark and on a phone, and tries each for accessibility:
//   npx vite build --config src/ui/stories/vite.config.ts && node src/ui/stories/look.mjs DIRECTORY [STORY...]
// Fails where a screen has a serious violation, scrolls sideways on a phone, breaks its content security
// policy, or has a touch target under 44 pixels there.
import { readFile, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { preview } from "vite";

const [, , directory = "build/pictures", ...wanted] = process.argv;
const language = process.env.STORY_LANGUAGE ?? "en";
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
await mkdir(directory, { recursive: true });

const server = await preview({ configFile: `${import.meta.dirname}/vite.config.ts`, preview: { port: 0, host: "127.0.0.1" } });
const address = `http://127.0.0.1:${server.httpServer.address().port}/`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"],
});

/** The kinds of device, and the looks of each that one page goes through: the story is loaded and told once. */
const DEVICES = [
  {
    options: {},
    looks: {
      light: { width: 1280, height: 800 },
      dark: { width: 1280, height: 800 },
      // A window of 1280 pixels at 200 %.
      zoomed: { width: 640, height: 400 },
    },
  },
  {
    options: { isMobile: true, hasTouch: true },
    looks: {
      phone: { width: 390, height: 844 },
      // The narrowest that WCAG asks for, which is a window of 1280 pixels at 400 % too; a phone on its side.
      narrow: { width: 320, height: 640 },
      side: { width: 844, height: 390 },
    },
  },
];

/** Looks in which every rule of accessibility is tried; the others are about room. */
const RULES = ["light", "phone"];

/** The words, and what decides about them, must be read at once or one after the other, and nothing lies over them. */
function covered() {
  return [...document.querySelectorAll(".words span, h1, h2")].flatMap((element) => {
    element.scrollIntoView({ block: "center" });
    const box = element.getBoundingClientRect();
    if (box.width < 2 || element.closest("dialog, .hidden-label") || document.querySelector("dialog[open]")) return [];
    const top = document.elementFromPoint(box.x + Math.min(box.width / 2, 20), box.y + box.height / 2);
    return top && (element.contains(top) || top.contains(element)) ? [] : [`${element.textContent} under ${top?.outerHTML.slice(0, 80)}`];
  });
}

/** Words that the page does not show first, before anybody scrolls. */
function unseen() {
  scrollTo(0, 0);
  return [...document.querySelectorAll(".words span")].flatMap((element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return top < 0 || bottom > innerHeight ? [`${element.textContent} from ${Math.round(top)} to ${Math.round(bottom)} of ${innerHeight}`] : [];
  });
}

/** What a finger can't hit; a label counts for its input, and a link within a sentence is no target. */
function small() {
  return [...document.querySelectorAll("button, summary, select, input, [role=tab]")].flatMap((element) => {
    const box = (element.closest("label") ?? element).getBoundingClientRect();
    if (box.width === 0 || box.height === 0 || element.closest(".xterm, [inert]")) return [];
    return box.width < 43.5 || box.height < 43.5 ? [`${element.tagName} ${element.textContent?.slice(0, 20)} ${box.width}x${box.height}`] : [];
  });
}

let problems = 0;
function complain(story, look, what) {
  problems++;
  console.error(`${story} ${look}: ${what}`);
}

const list = await browser.newPage();
await list.goto(address);
await list.locator("a").first().waitFor();
const stories = await list.locator("a").allTextContents();
await list.close();

async function look(page, story, look, viewport) {
  await page.emulateMedia({ colorScheme: look === "dark" ? "dark" : "light", reducedMotion: "reduce" });
  await page.setViewportSize(viewport);
  // What is out of sight is not laid out to the end.
  await page.evaluate(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    for (let y = 0; y < document.body.scrollHeight; y += innerHeight / 2) await frame(scrollTo(0, y));
    await frame(scrollTo(0, 0));
  });
  await page.screenshot({ path: `${directory}/${story}-${look}.png`, fullPage: true, timeout: 240_000 });
  const { violations } = await page.evaluate((options) => globalThis.axe.run(document, options), {
    resultTypes: ["violations"],
    // Only the colours differ from the light one.
    ...(look === "dark" ? { runOnly: ["color-contrast"] } : RULES.includes(look) ? {} : { runOnly: ["scrollable-region-focusable"] }),
  });
  for (const { id, impact, nodes } of violations) {
    if (["serious", "critical"].includes(impact)) complain(story, look, `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
    else console.log(`${story} ${look}: ${impact} ${id}: ${nodes.map((node) => node.target).join(" ")}`);
  }
  for (const words of await page.evaluate(covered)) complain(story, look, `covered: ${words}`);
  for (const words of await page.evaluate(unseen)) complain(story, look, `out of sight: ${words}`);
  if (look === "phone" || look === "narrow") {
    for (const target of await page.evaluate(small)) complain(story, look, `small target: ${target}`);
  }
  if (look !== "light" && look !== "dark") {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) complain(story, look, `scrolls sideways by ${wide} pixels`);
  }
}

async function lookWith({ options, looks }) {
  const context = await browser.newContext({ ...options, viewport: Object.values(looks)[0], reducedMotion: "reduce" });
  for (const story of stories.filter((one) => wanted.length === 0 || wanted.includes(one))) {
    const page = await context.newPage();
    page.setDefaultTimeout(240_000); // a machine may have other things to do
    let now = "";
    page.on("console", (message) => message.type() === "error" && complain(story, now, message.text()));
    page.on("pageerror", (error) => complain(story, now, String(error)));
    await page.goto(`${address}?story=${story}&language=${language}`);
    await page.locator("html[data-told]").waitFor({ state: "attached" });
    await page.evaluate(axe);
    for ([now] of Object.entries(looks)) await look(page, story, now, looks[now]);
    await page.close();
  }
  await context.close();
}
await Promise.all(DEVICES.map(lookWith));
await browser.close();
await server.close();
console.log(`${stories.length} stories, ${problems} problems`);
process.exitCode = problems > 0 ? 1 : 0;
