// A person before the page, in a Chromium of the network namespace in which this is started:
//   node namespaced.mjs LINK NAME PRIVATE-ARGUMENTS
// joins, accepts, and says on standard output, a JSON line each, what is to be seen. A line of input is typed for
// the program. Driven through a pipe, so that it needs no network but the session's.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [, , link, name, own] = process.argv;
const say = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));
const profile = await mkdtemp(join(tmpdir(), "huddle-chromium-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  headless: true,
  args: [
    ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
    ...["--disable-component-update", "--disable-sync", "--disable-features=WebRtcHideLocalIpsWithMdns"],
    // There is no certificate in a test's network; over https this is not needed.
    `--unsafely-treat-insecure-origin-as-secure=${new URL(link).origin}`,
  ],
});
let gone = false;
async function end() {
  if (gone) return;
  gone = true;
  await context.close();
  await rm(profile, { recursive: true, force: true });
  process.exit();
}
process.on("SIGTERM", () => void end());

await context.addInitScript(`globalThis.connections = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args) { super(...args); connections.push(this); }
  };`);
/** The kinds of the two ends of every connection's chosen pair: host, srflx, prflx or relay. */
const PAIRS = `(async () => {
  const found = [];
  for (const connection of connections.filter((one) => one.connectionState === "connected")) {
    const stats = await connection.getStats();
    for (const transport of stats.values())
      if (transport.type === "transport" && transport.selectedCandidatePairId) {
        const pair = stats.get(transport.selectedCandidatePairId);
        found.push([pair.localCandidateId, pair.remoteCandidateId].map((id) => stats.get(id).candidateType).join(" "));
      }
  }
  return found;
})()`;

const page = await context.newPage();
page.setDefaultTimeout(120_000);
page.on("pageerror", (error) => say("pageerror", { text: error.message }));
try {
  const button = (label) => page.getByRole("button", { name: label, exact: true });
  await page.goto(link);
  await page.getByLabel("Your name").fill(name);
  await button("Join").click();
  await page.locator(".words span").nth(3).waitFor();
  say("words", { words: await page.locator(".words span").allTextContents() });
  await page.getByText("Your own files and arguments for it").click();
  await page.getByLabel("Your own arguments").fill(own ?? "");
  await button("Accept and run").click();
  const sure = button("Run without comparing");
  if (await sure.isVisible()) await sure.click();
  const waits = page.locator("form.waits input");
  await waits.waitFor();
  await page.getByRole("tab", { name: "People" }).click();
  const card = page.locator("li p", { hasText: "round trip" });
  say("links", { cards: await card.allInnerTexts(), pairs: await page.evaluate(PAIRS) });
  const { value: line } = await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next();
  say("again", { cards: await card.allInnerTexts(), pairs: await page.evaluate(PAIRS) });
  await waits.fill(line);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /^(You have the result|The session is over)$/ }).waitFor();
  const folded = page.locator("summary", { hasText: "Everything it wrote" });
  if (!(await button("Plain text").isVisible())) await folded.click();
  await button("Plain text").click();
  say("over", { output: await page.getByRole("log", { name: "Output as plain text" }).textContent() });
} catch (error) {
  say("failed", { reason: String(error), shown: await page.locator("body").innerText({ timeout: 5000 }).catch(String) });
  process.exitCode = 1;
}
await end();
