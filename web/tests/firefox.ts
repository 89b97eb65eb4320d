/** Firefox for the tests of the page, by WebDriver BiDi, and a person before it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer, { type Browser, type ElementHandle, type Page } from "puppeteer-core";
import { PATIENCE } from "./patience";

/** What may be looked for: a button, a tab or another thing by its name, or a field by its label. */
type What = "button" | "tab" | "heading" | "field";

export class FirefoxPerson {
  private constructor(
    readonly page: Page,
    private readonly browser: Browser,
    private readonly profile: string,
  ) {}

  /** A Firefox with a fresh profile, at this address. */
  static async at(address: string): Promise<FirefoxPerson> {
    const profile = await mkdtemp(join(tmpdir(), "huddle-firefox-"));
    const browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: "/usr/bin/firefox-esr",
      headless: true,
      userDataDir: profile,
      timeout: PATIENCE,
      protocolTimeout: PATIENCE,
      // Parties on one machine meet on loopback.
      extraPrefsFirefox: { "media.peerconnection.ice.loopback": true, "media.peerconnection.ice.obfuscate_host_addresses": false },
    });
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("console", (message) => message.type() === "error" && console.log(`[firefox] ${message.text()}`));
    page.on("pageerror", (error) => console.log(`[firefox] ${String(error)}`));
    const person = new FirefoxPerson(page, browser, profile);
    await page.goto(address);
    return person;
  }

  /** The thing of that kind and name, once it is there and can be used: a button that decides takes no press at once. */
  async the(what: What, name: string): Promise<ElementHandle<HTMLElement>> {
    const found = await this.page.waitForFunction(
      (what, name) => {
        const named = (element: Element) => (element.getAttribute("aria-label") ?? element.textContent ?? "").replace(/\s+/g, " ").trim();
        if (what === "field") {
          const label = [...document.querySelectorAll("label")].find((one) => named(one).startsWith(name));
          return label?.control;
        }
        const kind = { button: "button", tab: "[role=tab]", heading: "h1, h2, h3" }[what];
        return [...document.querySelectorAll<HTMLElement>(kind)].find((one) => named(one) === name && !(one as HTMLButtonElement).disabled);
      },
      { polling: 100 },
      what,
      name,
    );
    return found as ElementHandle<HTMLElement>;
  }

  async click(what: What, name: string): Promise<void> {
    await (await this.the(what, name)).click();
  }

  /** Put this text into a field in place of what it has. */
  async fill(label: string, text: string): Promise<void> {
    const field = await this.the("field", label);
    await field.evaluate((field) => (field as HTMLInputElement).select());
    await field.type(text);
  }

  /** All that can be read, once this is a part of it. */
  async sees(text: string): Promise<string> {
    const found = await this.page.waitForFunction(
      (text) => (document.body.innerText.includes(text) ? document.body.innerText : undefined),
      { polling: 100 },
      text,
    );
    return (await found.jsonValue()) as string;
  }

  async words(): Promise<string[]> {
    await this.page.waitForFunction(() => document.querySelectorAll(".words span").length === 4, { polling: 100 });
    return this.page.$$eval(".words span", (spans) => spans.map((span) => span.textContent ?? ""));
  }

  async close(): Promise<void> {
    await this.browser.close();
    await rm(this.profile, { recursive: true, force: true, maxRetries: 10 });
  }
}
