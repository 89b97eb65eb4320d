// The film of a guest on a phone, as pictures side by side: from the link to the result, in a session that takes place.
//   node src/ui/stories/phone.mjs ../docs/films/phone.webp
import { devices } from "playwright-core";
import { demo, launch, sideBySide } from "./pictures.mjs";

const [, , target = "../docs/films/phone.webp"] = process.argv;
const { link, end } = await demo();
const browser = await launch();
const { userAgent, isMobile, hasTouch } = devices["Pixel 7"];
const context = await browser.newContext({ userAgent, isMobile, hasTouch, viewport: { width: 390, height: 780 }, deviceScaleFactor: 1.5 });
const page = await context.newPage();
page.setDefaultTimeout(240_000);
const button = (name) => page.getByRole("button", { name, exact: true });
const pictures = [];

/** What is in the window once nothing moves any more, with this at its upper edge. */
async function shoot(place = page.locator("h1")) {
  await place.evaluate((one) => scrollTo(0, one.getBoundingClientRect().top + scrollY - 12));
  await page.waitForTimeout(700);
  pictures.push(await page.screenshot());
}

await page.goto(link);
await page.getByLabel("Your name").fill("Eve");
await page.locator("#getting-ready").waitFor({ state: "detached" });
await shoot(page.locator("header"));
await button("Join").tap();
await page.locator(".words span").nth(3).waitFor();
for (const box of await page.locator(".words ~ fieldset input").all()) await box.check();
await shoot();
await shoot(page.getByRole("heading", { name: "What you are asked to run" }));
await shoot(page.locator("#decide-title"));
await button("Accept and run").tap();
await page.getByRole("region", { name: "Result" }).waitFor();
await end();
await page.getByRole("heading", { name: "You have the result" }).waitFor();
await shoot();
await sideBySide(browser, pictures, target, 0.5);
await browser.close();
