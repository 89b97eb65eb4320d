// Takes the README's picture of the page: `huddle demo --web` with its place taken in a Chromium, before and after the run.
//   node src/ui/stories/demo.mjs ../docs/page.webp
import { demo, launch, sideBySide } from "./pictures.mjs";

const [, , target = "../docs/page.webp"] = process.argv;
const { link, end } = await demo();
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1000, height: 720 } });
page.setDefaultTimeout(240_000);
const button = (name) => page.getByRole("button", { name, exact: true });
await page.goto(link);
await page.getByLabel("Your name").fill("Eve");
await button("Join").click();
await page.locator(".words span").nth(3).waitFor();
for (const box of await page.locator(".words ~ fieldset input").all()) await box.check();
await page.waitForTimeout(500); // for the editor, which has no end that could be waited for
const before = await page.screenshot();
await button("Accept and run").click();
await page.getByRole("region", { name: "Result" }).waitFor();
await page.waitForTimeout(500);
const after = await page.screenshot();
await end();
await sideBySide(browser, [before, after], target);
await browser.close();
