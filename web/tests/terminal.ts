/** Somebody at a terminal, who reads what `huddle` says and types answers: a command on a pty, its screen as plain lines. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { onTestFailed } from "vitest";
import { ROOT, HUDDLE } from "./browser";
import { PATIENCE } from "./patience";

const PYTHON = join(ROOT, ".venv/bin/python");
const PTY = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
// What moves the cursor or colours; a plain screen has little of it.
const CONTROL = /\x1b\[[0-9;?]*[A-Za-z]|\r/g;

export class Terminal {
  /** All that stood on the screen. */
  text = "";
  private read = 0;
  private waiting: (() => void)[] = [];
  private readonly process: ChildProcess;

  constructor(home: string, ...args: string[]) {
    this.process = spawn(PYTHON, ["-c", PTY, HUDDLE, ...args], {
      env: { ...process.env, HUDDLE_HOME: home, HUDDLE_PLAIN: "1", HUDDLE_LANG: "en", COLUMNS: "200" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.process.stdout!.on("data", (data: Buffer) => {
      this.text += data.toString().replace(CONTROL, "");
      for (const wake of this.waiting.splice(0)) wake();
    });
    onTestFailed(() => console.log(`--- huddle ${args.join(" ")}\n${this.text}`));
  }

  /** What stands there, behind what was waited for before. */
  async wait(wanted: RegExp): Promise<string> {
    const until = performance.now() + PATIENCE;
    for (;;) {
      const found = wanted.exec(this.text.slice(this.read));
      if (found) {
        this.read += found.index + found[0].length;
        return found[1] ?? found[0];
      }
      const left = until - performance.now();
      if (left < 0) throw new Error(`the terminal never said ${wanted}; it said\n${this.text}`);
      await Promise.race([new Promise<void>((resolve) => this.waiting.push(resolve)), new Promise((resolve) => setTimeout(resolve, left))]);
    }
  }

  type(line: string): void {
    this.process.stdin!.write(`${line}\n`);
  }

  end(): void {
    this.process.kill("SIGTERM");
  }
}
