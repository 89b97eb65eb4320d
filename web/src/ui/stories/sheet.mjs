// Puts the pictures that look.mjs took onto few sheets for the docs, small enough to be kept:
//   node src/ui/stories/sheet.mjs DIRECTORY-OF-PICTURES DIRECTORY-OF-SHEETS
import { readFile, readdir, writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const [, , pictures = "build/pictures", sheets = "../docs/page"] = process.argv;
/** Columns, width and most height of a picture on its sheet, in pixels. */
const LAYOUT = { light: [4, 440, 400], dark: [4, 440, 400], phone: [8, 210, 455] };

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage();
const names = (await readdir(pictures)).filter((name) => name.endsWith(".png")).sort();
for (const [look, layout] of Object.entries(LAYOUT)) {
  const chosen = names.filter((name) => name.endsWith(`-${look}.png`));
  const sources = await Promise.all(chosen.map(async (name) => `data:image/png;base64,${await readFile(`${pictures}/${name}`, "base64")}`));
  const data = await page.evaluate(
    async ({ sources, titles, layout: [columns, width, height] }) => {
      const GAP = 12;
      const TITLE = 20;
      const canvas = document.createElement("canvas");
      canvas.width = columns * (width + GAP) + GAP;
      canvas.height = Math.ceil(sources.length / columns) * (height + GAP + TITLE) + GAP;
      const context = canvas.getContext("2d");
      context.fillStyle = "#888";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.fillStyle = "#fff";
      context.font = "14px sans-serif";
      context.imageSmoothingQuality = "high";
      for (const [i, source] of sources.entries()) {
        const image = new Image();
        image.src = source;
        await image.decode();
        const x = GAP + (i % columns) * (width + GAP);
        const y = GAP + Math.floor(i / columns) * (height + GAP + TITLE);
        context.fillText(titles[i], x, y + 14);
        const scale = width / image.width;
        const shown = Math.min(image.height, height / scale);
        context.drawImage(image, 0, 0, image.width, shown, x, y + TITLE, width, shown * scale);
      }
      return canvas.toDataURL("image/webp", 0.6).split(",")[1];
    },
    { sources, titles: chosen.map((name) => name.slice(0, -`-${look}.png`.length)), layout },
  );
  await writeFile(`${sheets}-${look}.webp`, Buffer.from(data, "base64"));
}
await browser.close();
