/** The built page (web/dist), as people use it: two of them in Chromium, with a real rendezvous behind it. */
import { createReadStream, existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { chromium, type BrowserContext, type Page } from "playwright-core";
import { encode } from "uqr";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, launch, rendezvous } from "../../tests/browser";

const DIST = join(ROOT, "web/dist");
const MINUTES = 180_000;
const TYPES: Record<string, string> = {
  ...{ ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm" },
  ...{ ".svg": "image/svg+xml", ".png": "image/png", ".webmanifest": "application/manifest+json" },
};

let meeting: { url: string; end: () => void };
let site: Server;
let url: string;
let people: { context: BrowserContext; close: () => Promise<void> }[];

/** Page and rendezvous under one origin, as people have them. */
async function serve(): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const file = join(DIST, ["/", "/j"].includes(pathname) ? "index.html" : pathname);
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
    if (existsSync(file)) createReadStream(file).pipe(response);
    else response.writeHead(404).end();
  });
  server.on("upgrade", (request, socket, head) => {
    const behind = connect(Number(new URL(meeting.url).port), "127.0.0.1", () => {
      const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      behind.write(`GET ${request.url} HTTP/1.1\r\n${headers.join("")}\r\n`);
      behind.write(head);
      behind.pipe(socket).pipe(behind);
    });
    behind.on("error", () => socket.destroy());
    socket.on("error", () => behind.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function open(which: number, address: string): Promise<Page> {
  const page = await people[which]!.context.newPage();
  page.setDefaultTimeout(90_000);
  await page.goto(address);
  return page;
}

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

beforeAll(async () => {
  if (!existsSync(join(DIST, "index.html"))) throw new Error("build the page first: scripts/build-web");
  meeting = await rendezvous();
  [site, ...people] = await Promise.all([serve(), launch(), launch()]);
  url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
}, MINUTES);

afterAll(async () => {
  for (const person of people) await person.close();
  site.closeAllConnections();
  site.close();
  meeting.end();
});

test(
  "two people meet by the link, compare words, give their inputs, chat, and read the same result",
  async () => {
    const ann = await open(0, url);
    await button(ann, "Host a session").click();
    await ann.getByLabel("Average salary").check();
    await ann.getByLabel("Your name").fill("Ann");
    await ann.getByLabel("Parties, you").fill("2");
    await button(ann, "Open the session").click();
    const ben = await open(1, await ann.getByLabel("Link").inputValue());
    await ben.getByLabel("Your name").fill("Ben");
    await button(ben, "Join").click();
    await button(ann, "Let Ben in").click();
    await ben.getByRole("heading", { name: "Ann invites you" }).waitFor();

    const words = await ann.locator(".words span").allTextContents();
    expect(words).toHaveLength(4);
    await ben.locator(".words span").nth(3).waitFor();
    expect(await ben.locator(".words span").allTextContents()).toEqual(words);
    await ann.getByRole("checkbox", { name: "Ben" }).check();
    await ben.getByRole("checkbox", { name: "Ann" }).check();
    for (const page of [ann, ben]) await button(page, "Accept and run").click();

    for (const [page, salary] of [[ann, "3000"], [ben, "4000"]] as const) {
      await page.getByLabel("The program waits for your input").fill(salary);
      await page.keyboard.press("Enter");
    }
    await ann.getByRole("tab", { name: "Chat" }).click();
    await ann.getByLabel("Say something to all").fill("<b>done</b>");
    await button(ann, "Send").click();
    for (const page of [ann, ben]) {
      await page.getByText("Finished").waitFor();
      await button(page, "Plain text").click();
      await page.getByRole("log", { name: "Output as plain text" }).getByText("The average salary is 3500.00.").waitFor();
    }
    await ben.getByRole("tab", { name: "Chat" }).click();
    await ben.getByText("<b>done</b>").waitFor();

    await button(ann, "End the session").click();
    for (const page of [ann, ben]) await page.getByRole("heading", { name: "The session is over" }).waitFor();
    await button(ben, "To the start").click();
    await button(ben, "Past runs and what is kept here").click();
    await ben.getByText("average_salary.py").click();
    const kept = await ben.locator("details pre").textContent();
    expect(kept).toContain("The average salary is 3500.00.");
    expect(kept).not.toContain("4000");
  },
  MINUTES,
);

/** A film of one picture with a QR code, as Chromium takes it for a camera (YUV4MPEG2, grey). */
function film(text: string): Buffer {
  const [width, height] = [640, 480];
  const code = encode(text, { ecc: "M", border: 4 });
  const cell = Math.floor(height / code.size);
  const luma = Buffer.alloc(width * height, 235);
  for (let y = 0; y < cell * code.size; y++) {
    for (let x = 0; x < cell * code.size; x++) {
      if (code.data[Math.floor(y / cell)]?.[Math.floor(x / cell)]) luma[y * width + x] = 16;
    }
  }
  const chroma = Buffer.alloc((width * height) / 2, 128);
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420\nFRAME\n`), luma, chroma]);
}

test(
  "a QR code before the camera is an invitation",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "huddle-film-"));
    const link = `${url}j#AbjVFLB3uS5Ik0eRLRhyrfNqTk42nBD3_-u7311ppeJlUcl-`;
    await writeFile(join(directory, "code.y4m"), film(link));
    const browser = await chromium.launch({
      executablePath: "/usr/bin/chromium",
      args: [
        ...["--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"],
        `--use-file-for-fake-video-capture=${join(directory, "code.y4m")}`,
      ],
    });
    try {
      const page = await browser.newPage();
      await page.goto(url);
      await button(page, "Join a session").click();
      await button(page, "Scan a QR code").click();
      await page.getByLabel("Picture of the camera").waitFor({ state: "detached", timeout: 60_000 });
      expect(await page.getByLabel("Link or code").inputValue()).toBe(link);
    } finally {
      await browser.close();
      await rm(directory, { recursive: true });
    }
  },
  MINUTES,
);

test(
  "a page that was opened before opens from the cache when the server is away",
  async () => {
    const page = await open(0, url);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.reload();
    await button(page, "Host a session").waitFor();
    // Once through the service worker; what it keeps must be enough for the next time.
    await page.waitForLoadState("networkidle");
    site.closeAllConnections();
    await new Promise((resolve) => site.close(resolve));
    await page.reload();
    await button(page, "Host a session").waitFor();
    site.listen(Number(new URL(url).port), "127.0.0.1");
  },
  MINUTES,
);
