// Takes the README's picture of the page: `huddle demo --web` with its place taken in a Chromium, before and after the run.
//   node src/ui/stories/demo.mjs ../docs/page.webp
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const [, , target = "../docs/page.webp"] = process.argv;
const demo = spawn("../.venv/bin/huddle", ["demo", "--web"], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, COLUMNS: "200" } });
let said = "";
const link = await new Promise((resolve, reject) => {
  demo.stdout.on("data", (data) => {
    said += data;
    const found = /^(http\S+\/j#\S+)\s*$/m.exec(said);
    if (found) resolve(found[1]);
  });
  demo.on("exit", (code) => reject(new Error(`the demo ended with code ${code}: ${said}`)));
});

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns"],
});
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
const code = await new Promise((resolve) => (demo.exitCode === null ? demo.on("exit", resolve) : resolve(demo.exitCode)));
if (code !== 0) throw new Error(`the demo ended with code ${code}: ${said}`);

// The page's policy allows no pictures made of data.
const data = await (await browser.newPage()).evaluate(
  async (pictures) => {
    const images = await Promise.all(
      pictures.map(async (picture) => {
        const image = new Image();
        image.src = `data:image/png;base64,${picture}`;
        await image.decode();
        return image;
      }),
    );
    const canvas = document.createElement("canvas");
    canvas.width = images.reduce((sum, { width }) => sum + width + 20, -20);
    canvas.height = images[0].height;
    const context = canvas.getContext("2d");
    let x = 0;
    for (const image of images) {
      context.drawImage(image, x, 0);
      x += image.width + 20;
    }
    return canvas.toDataURL("image/webp", 0.7).split(",")[1];
  },
  [before, after].map((picture) => picture.toString("base64")),
);
await writeFile(target, Buffer.from(data, "base64"));
await browser.close();
