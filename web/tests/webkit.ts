/**
 * WebKit for the tests of the page, by W3C WebDriver, and a person before it. It runs in a Debian of its own
 * (scripts/webkit); where that is not set up there is none. Debian builds it without WebRTC, so it takes `relay`.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./browser";
import { PATIENCE } from "./patience";

export const installed = existsSync(join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "huddle-dev/webkit-trixie/ready"));

/** The engine and an X server for it, on these ports; both end with whoever starts this. */
const START = `
export HOME=/root XDG_RUNTIME_DIR=/tmp/xdg-$0 DISPLAY=:$1 GDK_BACKEND=x11
export WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS=1 LIBGL_ALWAYS_SOFTWARE=1
mkdir -p -m 700 $XDG_RUNTIME_DIR
Xvfb $DISPLAY -screen 0 1200x900x24 -nolisten tcp >/dev/null 2>&1 &
exec WebKitWebDriver --port=$0 --host=127.0.0.1`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Capabilities {
  sessionId: string;
  capabilities: { browserVersion: string };
}

export class WebKitPerson {
  private constructor(
    private readonly driver: ChildProcess,
    private readonly base: string,
    readonly version: string,
  ) {}

  /** A WebKit with nothing kept, at this address. */
  static async at(address: string): Promise<WebKitPerson> {
    const port = await freePort();
    const driver = spawn(join(ROOT, "scripts/webkit"), ["run", "bash", "-c", START, String(port), String(port % 1000 + 100)], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const base = `http://127.0.0.1:${port}`;
    const browser = {
      browserName: "MiniBrowser",
      "webkitgtk:browserOptions": { binary: "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser", args: ["--automation"] },
    };
    process.on("exit", () => driver.kill("SIGKILL"));
    const made = await patiently("WebKit's driver", () => ask<Capabilities>("POST", `${base}/session`, { capabilities: { alwaysMatch: browser } }));
    const person = new WebKitPerson(driver, `${base}/session/${made.sessionId}`, made.capabilities.browserVersion);
    await person.goto(address);
    return person;
  }

  async goto(address: string): Promise<void> {
    await this.ask("POST", "/url", { url: address });
  }

  async reload(): Promise<void> {
    await this.ask("POST", "/refresh", {});
  }

  /** The width that the page really got, which is not below what the window's own parts need. */
  async resize(width: number, height: number): Promise<number> {
    await this.ask("POST", "/window/rect", { width, height });
    return this.run<number>("return innerWidth");
  }

  /** What a function with this body returns in the page. */
  run<Result>(body: string, ...args: unknown[]): Promise<Result> {
    return this.ask("POST", "/execute/sync", { script: body, args });
  }

  /** Press a button, once it is there and can be pressed: one that decides takes no press at once. */
  async click(name: string): Promise<void> {
    await patiently(`the button ${name}`, () =>
      this.run(
        `const named = (one) => (one.getAttribute("aria-label") ?? one.textContent).replace(/\\s+/g, " ").trim();
         const found = [...document.querySelectorAll("button")].find((one) => named(one) === arguments[0] && !one.disabled);
         found?.click();
         return found !== undefined;`,
        name,
      ),
    );
  }

  /** Tick what has this label. */
  async check(label: string): Promise<void> {
    await patiently(`the choice ${label}`, () => this.run(`${FIELD} if (field && !field.checked) field.click(); return field?.checked`, label));
  }

  /** What a field has, once it has something. */
  async value(label: string): Promise<string> {
    return patiently(`something in ${label}`, () => this.run<string>(`${FIELD} return field?.value`, label));
  }

  /** Type this text into a field in place of what it has. */
  async fill(label: string, text: string): Promise<void> {
    const found = await patiently<Record<string, string>>(`the field ${label}`, () => this.run(`${FIELD} field?.select(); return field`, label));
    await this.ask("POST", `/element/${Object.values(found)[0]!}/value`, { text });
  }

  /** All that can be read, once this is a part of it. */
  async sees(text: string): Promise<string> {
    return patiently(`"${text}"`, () => this.run<string>("return document.body.innerText.includes(arguments[0]) && document.body.innerText", text), () =>
      this.run<string>("return document.body.innerText"),
    );
  }

  async words(): Promise<string[]> {
    const WORDS = `const all = [...document.querySelectorAll(".words span")].map((one) => one.textContent); return all.length === 4 && all`;
    return patiently("four words", () => this.run<string[]>(WORDS));
  }

  async screenshot(): Promise<Buffer> {
    return Buffer.from(await this.ask<string>("GET", "/screenshot"), "base64");
  }

  async close(): Promise<void> {
    await this.ask("DELETE", "").catch(() => undefined);
    const gone = new Promise((resolve) => this.driver.on("exit", resolve));
    // It holds back all but this; the kernel ends what it has started.
    this.driver.kill("SIGKILL");
    await gone;
  }

  private ask<Result>(method: string, path: string, body?: object): Promise<Result> {
    return ask(method, this.base + path, body);
  }
}

/** The field whose label begins with the first argument. */
const FIELD = `const label = [...document.querySelectorAll("label")].find((one) => one.textContent.replace(/\\s+/g, " ").trim().startsWith(arguments[0]));
  const field = label?.control;`;

async function ask<Result>(method: string, url: string, body?: object): Promise<Result> {
  const response = await fetch(url, { method, headers: { "content-type": "application/json" }, ...(body && { body: JSON.stringify(body) }) });
  const { value } = (await response.json()) as { value: Result };
  if (!response.ok) throw new Error(`WebDriver: ${JSON.stringify(value).slice(0, 500)}`);
  return value;
}

/** What that returns once it is something. */
async function patiently<Result>(what: string, look: () => Promise<Result | false | null | undefined>, instead?: () => Promise<string>): Promise<Result> {
  const end = Date.now() + PATIENCE;
  for (let last = ""; ; ) {
    try {
      const found = await look();
      if (found) return found;
    } catch (error) {
      last = String(error);
    }
    if (Date.now() > end) throw new Error(`WebKit did not show ${what} ${last}\n${(await instead?.().catch(String)) ?? ""}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
