/**
 * The runner's worker: Pyodide in a frame without network, which runs one program and is ended then.
 *
 * From the frame: one `RunnerStart`, then direct channels to peers (`Told`). On the port in it, to the session worker, it says `ready` once, gets
 * `WARM` perhaps and one `Task`, and reports as texts. Whatever the program does to this worker, the other end
 * takes none of it at its word.
 */
import { coming } from "./assets";
import { PeerStream } from "./direct-stream";
import type { Told } from "./frame";
import { Mailbox, Stream } from "./mailbox";
import type { Given } from "./packages";
import type { PyodideAPI } from "pyodide";
import { call, install, python, reasonOf } from "./python";
import { WARM, type Task } from "./runners";

export interface RunnerStart {
  /** Of `passOn`. */
  assets: MessagePort;
  control: MessagePort;
}

const box = new Mailbox();
const NOTHING: Given = { wheels: [], missing: {} };
/** Of the task, by pid, once there is one; and what the frame told before. */
const peers = new Map<number, PeerStream>();
let early: Told[] | undefined = [];

/** The one message of that port. */
function brought(port: MessagePort): Promise<Given> {
  return new Promise((resolve) => {
    port.onmessage = (event: MessageEvent<Given>) => resolve(event.data);
  });
}

async function run(api: PyodideAPI, control: MessagePort, task: Task): Promise<void> {
  const stream = (port: MessagePort): Stream => new Stream(box, port);
  for (const [pid, port] of task.peers) peers.set(pid, new PeerStream(box, port));
  for (const said of early ?? []) told(said);
  early = undefined;
  const { wheels, missing } = task.packages ? await brought(task.packages) : NOTHING;
  await install(api, wheels);
  await call(api, "huddle.browser.runner_worker", "main", box, {
    packages: wheels.map(({ name }) => name),
    missing,
    config: task.config,
    files: task.files,
    peers: Object.fromEntries(peers),
    stdin: stream(task.stdin),
    stdout: stream(task.stdout),
    stderr: stream(task.stderr),
    written: (files: Record<string, Uint8Array>) => control.postMessage({ written: files }),
    report: (text: string) => control.postMessage({ report: text }),
  });
}

/** Until there is a task, and not longer than it takes; JavaScript gets its turn meanwhile. */
async function warm(api: PyodideAPI): Promise<void> {
  while (early && (await call(api, "huddle.browser.runner_worker", "warm"))) await new Promise((resolve) => setTimeout(resolve));
}

function told({ way, channel }: Told): void {
  const stream = peers.get(way.peer);
  if (channel) stream?.direct(way.number, channel);
  else stream?.lost(way.number);
}

self.onmessage = async (event: MessageEvent<RunnerStart>) => {
  self.onmessage = ({ data }: MessageEvent<Told>) => (early ? early.push(data) : told(data));
  const { assets, control } = event.data;
  const failed = (error: unknown): void => {
    // What went directly and has not arrived goes by the session worker, which is there after this.
    for (const stream of peers.values()) stream.close();
    control.postMessage({ failed: reasonOf(error) });
  };
  try {
    const api = await python(coming(assets), box, "runner");
    await call(api, "huddle.browser.runner_worker", "prepare");
    control.onmessage = ({ data }: MessageEvent<typeof WARM | Task>) =>
      // A run is as good without.
      void (data === WARM ? warm(api).catch(() => undefined) : run(api, control, data).catch(failed));
    control.postMessage({ ready: true });
  } catch (error) {
    failed(error);
  }
};
