/** Chromium, a static server and native parties for the tests of the core; everything on loopback. */
import { spawn, type ChildProcess } from "node:child_process";
import { createReadStream, existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { createInterface } from "node:readline";
import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";
import type { Decision, SessionEvent } from "../src/core/protocol";
import { PATIENCE } from "./patience";

export const ROOT = join(import.meta.dirname, "../..");
const CORE = join(ROOT, "web/build");
export const HUDDLE = join(ROOT, ".venv/bin/huddle");
export const CHROMIUM = "/usr/bin/chromium";

const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
  ".zip": "application/zip",
  ".bin": "application/octet-stream",
  ".mjs": "text/javascript",
};

const BARE = `<!doctype html><meta charset="utf-8"><title>bare</title><script type="module">
import * as core from "./bare.js"; window.core = core;</script>`;

/**
 * The built core on a port of its own, with an empty page `/` that has it as `core`; and with these
 * directories or files, by their names there. `asked` is all that was asked for.
 */
export async function serveCore(more: Record<string, string> = {}): Promise<{ url: string; server: Server; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    asked.push(path);
    const [, folder = "", ...rest] = path.split("/");
    const file = more[folder] ? join(more[folder], ...rest) : join(CORE, path);
    response.setHeader("content-type", TYPES[extname(path)] ?? "text/html");
    if (path === "/") response.end(BARE);
    else if (existsSync(file)) createReadStream(file).pipe(response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server, asked };
}

/**
 * Not as a person has it: names for addresses of this machine, and the pages of Chromium's own in the address bar, which
 * each new window loads (0.8 s of processor time); a person opens a link in a window that is there.
 */
const WITHOUT = ["WebRtcHideLocalIpsWithMdns", "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "AiModeOmniboxEntryPoint"];

export const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--allow-loopback-in-peer-connection",
  `--disable-features=${WITHOUT.join()}`,
];

/** A Chromium with a fresh profile, on a computer or as `device` says. */
export async function launch(device: BrowserContextOptions = {}): Promise<{ context: BrowserContext; close: () => Promise<void> }> {
  const profile = await mkdtemp(join(tmpdir(), "huddle-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    ...device,
    args: ARGS,
  });
  context.setDefaultTimeout(PATIENCE);
  return {
    context,
    close: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** One Chromium for so many people, who have nothing in common. */
export async function people(count: number): Promise<{ contexts: BrowserContext[]; close: () => Promise<void> }> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGS });
  const contexts = await Promise.all(Array.from({ length: count }, () => browser.newContext()));
  for (const context of contexts) context.setDefaultTimeout(PATIENCE);
  return { contexts, close: () => browser.close() };
}

/** Whether a page has kept what the next visit needs; to be evaluated there. */
export const memoryKept = (): boolean => performance.getEntriesByName("huddle-kept").length > 0;

/** Events of one party, in order, and waiting for one of them. */
export class Events {
  readonly all: SessionEvent[] = [];
  private waiting: (() => void)[] = [];

  add(event: SessionEvent): void {
    this.all.push(event);
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** The first event of that kind for which `which` holds; also one that is there already. */
  async until<Key extends SessionEvent["event"]>(
    key: Key,
    which: (event: Extract<SessionEvent, { event: Key }>) => boolean = () => true,
  ): Promise<Extract<SessionEvent, { event: Key }>> {
    for (;;) {
      for (const event of this.all)
        if (event.event === key) {
          const found = event as Extract<SessionEvent, { event: Key }>;
          if (which(found)) return found;
        }
      const end = this.all.find((event) => event.event === "ended" || event.event === "broken");
      if (end) throw new Error(`no ${key}: ${brief(this.all.slice(-12))}`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** All that the program wrote. */
  get output(): string {
    return this.all.map((event) => (event.event === "output" ? event.text : "")).join("");
  }
}

/** Events for people: without the bytes of files. */
function brief(events: SessionEvent[]): string {
  return events.map((event) => JSON.stringify("files" in event ? { ...event, files: {} } : event)).join("\n");
}

/** A party in a tab. It lets everybody in and accepts; tests that want otherwise pass their own `react`. */
export class Tab {
  readonly events = new Events();
  /** All that was written to the console. */
  said = "";

  private constructor(readonly page: Page) {}

  static async open(
    context: BrowserContext,
    url: string,
    rendezvous: string,
    react: (tab: Tab, event: SessionEvent) => Decision | undefined = agreeable,
    options: { pumped?: boolean; direct?: boolean } = {},
  ): Promise<Tab> {
    const page = await context.newPage();
    const tab = new Tab(page);
    page.on("console", (message) => {
      tab.said += `${message.text()}\n`;
      console.log(`[console] ${message.text()}`);
    });
    page.on("pageerror", (error) => console.log(`[pageerror] ${error.stack}`));
    await page.exposeFunction("told", (event: SessionEvent) => {
      tab.events.add(event);
      const decision = react(tab, event);
      // What a party still says while its page is closed is nobody's any more.
      if (decision)
        tab.send(decision).catch((error: unknown) => {
          if (!page.isClosed()) throw error;
        });
    });
    await page.goto(url);
    await page.waitForFunction("window.core");
    await page.evaluate(`window.session = core.openSession(${JSON.stringify(rendezvous)}, ${JSON.stringify(options)});
      session.subscribe(told)`);
    return tab;
  }

  /** Decide something; files of a program are given as text. */
  async send(decision: Decision | { do: string; program?: unknown }): Promise<void> {
    await this.page.evaluate((said) => {
      const { program } = said as { program?: { files: Record<string, unknown> } };
      if (program)
        for (const [path, text] of Object.entries(program.files))
          if (typeof text === "string") program.files[path] = new TextEncoder().encode(text);
      (globalThis as unknown as { session: { send(said: unknown): void } }).session.send(said);
    }, decision as never);
  }
}

export function agreeable(_tab: Tab, event: SessionEvent): Decision | undefined {
  if (event.event !== "question") return undefined;
  if (event.what === "admit") return { do: "admit", did: event.did };
  return event.what === "again" ? { do: "finish" } : { do: "accept" };
}

/** `huddle …` with `--json`, which lets everybody in and accepts. */
export class Native {
  readonly events = new Events();
  readonly exited: Promise<number | null>;
  private readonly process: ChildProcess;

  constructor(home: string, args: readonly string[]) {
    this.process = spawn(HUDDLE, [...args], {
      cwd: ROOT,
      env: { ...process.env, HUDDLE_HOME: home },
      stdio: ["pipe", "pipe", "inherit"],
    });
    createInterface({ input: this.process.stdout! }).on("line", (line) => {
      if (line.startsWith("{")) this.events.add(JSON.parse(line) as SessionEvent);
    });
    this.exited = new Promise((resolve) =>
      this.process.on("exit", (code) => {
        if (!this.events.all.some((event) => event.event === "ended"))
          this.events.add({ event: "broken", message: `huddle exited with code ${code}`, hint: "" });
        resolve(code);
      }),
    );
  }

  write(text: string): void {
    this.process.stdin?.write(text);
  }

  end(): void {
    this.process.kill("SIGTERM");
  }
}

/** The core's static server, and a rendezvous that knows of it: no other page may use one. */
export async function coreAndRendezvous(more: Record<string, string> = {}) {
  const core = await serveCore(more);
  return [core, await rendezvous("--page", core.url)] as const;
}

/** A native rendezvous on a free port of loopback; `end` resolves when nobody serves any more. */
export async function rendezvous(...options: string[]): Promise<{ url: string; end: () => Promise<void> }> {
  const process_ = spawn(HUDDLE, ["serve", "--json", "--host", "127.0.0.1", "--port", "0", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise<void>((resolve) => process_.on("exit", () => resolve()));
  for await (const line of createInterface({ input: process_.stdout! })) {
    const said = JSON.parse(line) as { event: string; url: string };
    if (said.event !== "serving") break;
    const end = async (): Promise<void> => {
      process_.kill("SIGTERM");
      await exited;
    };
    return { url: said.url, end };
  }
  throw new Error("huddle serve did not start");
}
