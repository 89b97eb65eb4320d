// What the pictures and films of the page are made with: a demo that waits for a browser, and pictures side by side.
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";

/** `huddle demo --web`: the link to its third place, and its end, which is good or an error. */
export async function demo() {
  const process_ = spawn("../.venv/bin/huddle", ["demo", "--web"], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, COLUMNS: "200" } });
  let said = "";
  const link = await new Promise((resolve, reject) => {
    process_.stdout.on("data", (data) => {
      said += data;
      const found = /^(http\S+\/j#\S+)\s*$/m.exec(said);
      if (found) resolve(found[1]);
    });
    process_.on("exit", (code) => reject(new Error(`the demo ended with code ${code}: ${said}`)));
  });
  const end = async () => {
    const code = await new Promise((resolve) => (process_.exitCode === null ? process_.on("exit", resolve) : resolve(process_.exitCode)));
    if (code !== 0) throw new Error(`the demo ended with code ${code}: ${said}`);
  };
  return { link, end };
}

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns"],
  });

/** Pictures (PNG) side by side in one WebP; `scale` of their size. */
export async function sideBySide(browser, pictures, target, scale = 1) {
  // The page's policy allows no pictures made of data.
  const data = await (await browser.newPage()).evaluate(
    async ([pictures, scale]) => {
      const images = await Promise.all(
        pictures.map(async (picture) => {
          const image = new Image();
          image.src = `data:image/png;base64,${picture}`;
          await image.decode();
          return image;
        }),
      );
      const gap = 20;
      const canvas = document.createElement("canvas");
      canvas.width = images.reduce((sum, { width }) => sum + width * scale + gap, -gap);
      canvas.height = images[0].height * scale;
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      let x = 0;
      for (const image of images) {
        context.drawImage(image, x, 0, image.width * scale, image.height * scale);
        x += image.width * scale + gap;
      }
      return canvas.toDataURL("image/webp", 0.7).split(",")[1];
    },
    [pictures.map((picture) => picture.toString("base64")), scale],
  );
  await writeFile(target, Buffer.from(data, "base64"));
}
