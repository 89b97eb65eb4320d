/**
 * The runners as the session worker has them: one that gets ready ahead of time, and the one at work.
 *
 * The page makes them (frames are its business) and says so on the backstage port:
 *
 *   page -> session    { runner: port, rtc }     another one is being made, this is its control port, and that of
 *                                              its frame's WebRTC, if there is any (rtc.ts)
 *                      { gone: text, failed }    the last one that was made was ended, or failed by itself
 *   session -> page    { kill: true }    end it, and make another one
 *                      { ready: true }   a runner is
 *                      Needs             packages for a program (provider.ts)
 */
import { DataLink } from "./data-link";
import { Mailbox, Stream } from "./mailbox";
import type { Given } from "./packages";
import type { Needs } from "./provider";
import { Rtc, type RtcConnection } from "./rtc";
import { runnerWord } from "./runner-words";

/** What a runner gets to do. */
export interface Task {
  config: string;
  files: Record<string, Uint8Array>;
  peers: [number, MessagePort][];
  stdin: MessagePort;
  stdout: MessagePort;
  stderr: MessagePort;
  /** Brings what the program imports, once; not there where it needs nothing. */
  packages?: MessagePort;
}

/** To a runner, before its task: a program may run soon, and until then it may get quick (huddle/browser/warm_up.py). */
export const WARM = "warm";

/** As huddle/browser/worker_runner.py has it of reports. */
const FOUL = "it sent its supervisor something that no runner says";

/** Runners in a row that do not get ready: then no more are tried. */
const TRIES = 3;

const REPORT = 1;
const GONE = 2;
const DRAINED = 3;
const FOUND = 4;

export class Runners {
  private control: MessagePort | undefined;
  private rtc: Rtc | undefined;
  private ready = false;
  private expected = false;
  private current: Running | undefined;
  private waiting: Running | undefined;
  private failures = 0;
  private broken: string | undefined;

  constructor(
    private readonly box: Mailbox,
    private readonly backstage: MessagePort,
    private readonly onWritten: (files: Record<string, Uint8Array>) => void,
  ) {
    backstage.onmessage = (event: MessageEvent<{ runner?: MessagePort; rtc?: MessagePort; gone?: string; failed?: boolean }>) => {
      const { runner, rtc, gone, failed } = event.data;
      if (runner) {
        this.rtc = rtc && new Rtc(box, rtc);
        this.made(runner);
      }
      if (gone !== undefined) this.gone(gone, failed === true);
    };
  }

  /** A program that imports these may run soon. */
  expect(imports: string[]): void {
    if (!this.expected && this.ready) this.control?.postMessage(WARM);
    this.expected = true;
    if (imports.length > 0) this.backstage.postMessage({ needs: imports, to: undefined, seeking: true } satisfies Needs);
  }

  /** Get what a program imports, and note under the number that is returned what can't be had, and why. */
  seek(imports: string[]): number {
    const number = this.box.nextId();
    const packages = this.packages(imports, true);
    packages.onmessage = ({ data }: MessageEvent<Given>) => {
      packages.close();
      this.box.note(number, FOUND, data.missing);
    };
    return number;
  }

  /** Run a program, which imports these, in the next runner that is ready. */
  start(config: string, files: Record<string, Uint8Array>, peers: number[], imports: string[] = []): Running {
    const running = new Running(this.box, config, files, peers, this.rtc !== undefined, () => this.backstage.postMessage({ kill: true }));
    if (imports.length > 0) running.task.packages = this.packages(imports, false);
    if (this.broken !== undefined) {
      running.gone(this.broken);
    } else {
      this.waiting = running;
      this.begin();
    }
    return running;
  }

  /** Brings what these names need, once. */
  private packages(imports: string[], seeking: boolean): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.backstage.postMessage({ needs: imports, to: port1, seeking } satisfies Needs, [port1]);
    return port2;
  }

  private made(control: MessagePort): void {
    this.control = control;
    this.ready = false;
    let ready = false;
    let written = false;
    control.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (control !== this.control) return;
      const word = runnerWord(data);
      if (word?.kind === "ready" && !ready) {
        this.ready = ready = true;
        this.failures = 0;
        this.backstage.postMessage({ ready: true });
        if (this.expected && !this.waiting) control.postMessage(WARM);
        this.begin();
      } else if (word?.kind === "written" && this.current && !written) {
        written = true;
        this.onWritten(word.files);
      } else if (word?.kind === "report" && this.current) {
        this.current.reported(word.text);
      } else {
        this.gone(word?.kind === "failed" ? `its worker failed: ${word.reason}` : FOUL, true);
      }
    };
  }

  private begin(): void {
    if (this.waiting && this.ready && this.control) {
      this.current = this.waiting;
      this.waiting = undefined;
      this.ready = false;
      this.current.begin(this.control, this.rtc);
    }
  }

  private gone(reason: string, failed: boolean): void {
    this.current?.gone(reason);
    this.current = undefined;
    // Whatever it goes on to say.
    this.control = undefined;
    this.ready = false;
    if (!failed) return;
    if (++this.failures < TRIES) {
      this.backstage.postMessage({ kill: true });
    } else {
      this.broken = reason;
      this.waiting?.gone(reason);
      this.waiting = undefined;
    }
  }
}

/** One run's worker, as Python (huddle/browser/worker_runner.py) holds it. */
export class Running {
  readonly id: number;
  readonly stdin: Stream;
  readonly stdout: Stream;
  readonly stderr: Stream;
  private readonly peers = new Map<number, DataLink>();
  readonly task: Task;
  private rtc: Rtc | undefined;
  private over = false;
  private killed = false;

  constructor(
    private readonly box: Mailbox,
    config: string,
    files: Record<string, Uint8Array>,
    peers: number[],
    /** Whether frames make direct channels here. */
    readonly able: boolean,
    private readonly end: () => void,
  ) {
    this.id = box.nextId();
    const open = (): [Stream, MessagePort] => {
      const { port1, port2 } = new MessageChannel();
      return [new Stream(box, port1, () => this.drained()), port2];
    };
    const theirs: [number, MessagePort][] = [];
    for (const pid of peers) {
      const { port1, port2 } = new MessageChannel();
      this.peers.set(pid, new DataLink(box, port1, () => this.drained()));
      theirs.push([pid, port2]);
    }
    const [stdin, stdinPort] = open();
    const [stdout, stdoutPort] = open();
    const [stderr, stderrPort] = open();
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = stderr;
    this.task = { config, files, peers: theirs, stdin: stdinPort, stdout: stdoutPort, stderr: stderrPort };
  }

  /** The link to that peer. */
  peer(pid: number): DataLink | undefined {
    return this.peers.get(pid);
  }

  /**
   * A connection for a direct channel to that peer, made in the runner's frame; undefined where there can be none, as
   * where this person's networks are without WebRTC.
   */
  direct(peer: number, number: number): RtcConnection | undefined {
    const { servers } = this.box.rtc ?? {};
    if (servers === undefined || this.over) return undefined;
    const connection = this.rtc?.open(servers, { peer, number });
    const link = this.peers.get(peer);
    if (connection) {
      link?.allowDirect();
      link?.watch(number, connection);
    }
    return connection;
  }

  begin(control: MessagePort, rtc: Rtc | undefined): void {
    this.rtc = rtc;
    const { task } = this;
    const ports = [task.stdin, task.stdout, task.stderr, ...task.peers.map(([, port]) => port)];
    control.postMessage(task, task.packages ? [...ports, task.packages] : ports);
  }

  reported(text: string): void {
    this.box.note(this.id, REPORT, text);
    this.drained();
  }

  gone(reason: string): void {
    this.over = true;
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.cut();
    for (const link of this.peers.values()) link.cut();
    this.box.note(this.id, GONE, reason);
  }

  /** End it, whatever it does; `gone` follows. */
  kill(): void {
    if (!this.over && !this.killed) {
      this.killed = true;
      this.end();
    }
  }

  /** All that it had to say has arrived. */
  private drained(): void {
    if (this.over) return;
    if (this.stdout?.over && this.stderr?.over && [...this.peers.values()].every((link) => link.hungUp))
      this.box.note(this.id, DRAINED, undefined);
  }
}
