/** The terminal in which a program's output is shown: xterm.js, loaded only when a run begins. */
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { Terminal, type ITheme } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import type { Chunk } from "../state/model";
import { since } from "../state/output";

/** The number of the colour in which each stream is shown; its own, where there is none. */
const COLOURS = { stdout: undefined, stderr: 31, typed: 36 };

export class Screen {
  private readonly terminal: Terminal;
  private readonly fit = new FitAddon();
  private readonly finder = new SearchAddon();
  private written = 0;
  /** What is to be shown once the terminal has taken what it was given: it drops what is far ahead of it. */
  private next: readonly Chunk[] | undefined;
  private busy = false;
  private readonly watching: ResizeObserver;

  constructor(place: HTMLElement, label: string) {
    this.terminal = new Terminal({
      allowProposedApi: true, // the search marks matches through it
      convertEol: true,
      disableStdin: true,
      cursorInactiveStyle: "none",
      fontFamily: getComputedStyle(place).getPropertyValue("--mono"),
      fontSize: 14,
      scrollback: 20_000,
      screenReaderMode: false,
      // What a program calls a link leads nowhere: it could lead to a stranger's page with what it knows.
      linkHandler: { activate: () => undefined },
      theme: theme(place),
    });
    this.terminal.loadAddon(this.fit);
    this.terminal.loadAddon(this.finder);
    this.terminal.open(place);
    // Nothing is typed here: the keys stay with the page, and the line below takes the input.
    this.terminal.attachCustomKeyEventHandler((key) => key.type === "keydown" && key.key.startsWith("Page"));
    this.terminal.textarea?.setAttribute("aria-label", label);
    this.terminal.textarea?.setAttribute("tabindex", "-1");
    this.watching = new ResizeObserver(() => this.fit.fit());
    this.watching.observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.terminal.options.theme = theme(place);
    });
  }

  /** Write what has come since the last call. */
  show(output: readonly Chunk[]): void {
    if (this.busy) {
      this.next = output;
      return;
    }
    for (const chunk of since(output, this.written)) {
      const colour = COLOURS[chunk.stream];
      this.terminal.write(colour ? `\x1b[${colour}m${chunk.text}\x1b[39m` : chunk.text);
      this.written = chunk.at + chunk.text.length;
    }
    this.busy = true;
    this.terminal.write("", () => {
      this.busy = false;
      const { next } = this;
      this.next = undefined;
      if (next) this.show(next);
    });
  }

  find(text: string, backwards = false): boolean {
    return backwards ? this.finder.findPrevious(text) : this.finder.findNext(text);
  }

  selection(): string {
    return this.terminal.getSelection();
  }

  close(): void {
    this.watching.disconnect();
    this.terminal.dispose();
  }
}

function theme(place: HTMLElement): ITheme {
  const style = getComputedStyle(place);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  return {
    background: colour("--terminal"),
    foreground: colour("--terminal-ink"),
    cursor: colour("--terminal"),
    selectionBackground: colour("--selection"),
    ...{ black: colour("--t-black"), red: colour("--t-red"), green: colour("--t-green"), yellow: colour("--t-yellow") },
    ...{ blue: colour("--t-blue"), magenta: colour("--t-magenta"), cyan: colour("--t-cyan"), white: colour("--t-white") },
    ...{ brightBlack: colour("--quiet"), brightRed: colour("--t-red"), brightGreen: colour("--t-green") },
    ...{ brightYellow: colour("--t-yellow"), brightBlue: colour("--t-blue"), brightMagenta: colour("--t-magenta") },
    ...{ brightCyan: colour("--t-cyan"), brightWhite: colour("--terminal-ink") },
  };
}
