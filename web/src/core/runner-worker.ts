/**
 * The runner's worker: Pyodide in a frame without network, which runs one program and is ended then.
 *
 * From the frame: one `RunnerStart`. On the port in it, to the session worker, it says `ready` once, gets
 * one `Task`, and reports as texts. Whatever the program does to this worker, the other end
 * takes none of it at its word.
 */
import { Mailbox, Stream } from "./mailbox";
import type { Given } from "./packages";
import type { PyodideAPI } from "pyodide";
import { call, install, python, reasonOf, type Assets } from "./python";
import type { Task } from "./runners";

export interface RunnerStart {
  assets: Assets;
  control: MessagePort;
}

const box = new Mailbox();
const NOTHING: Given = { wheels: [], missing: {} };

/** The one message of that port. */
function brought(port: MessagePort): Promise<Given> {
  return new Promise((resolve) => {
    port.onmessage = (event: MessageEvent<Given>) => resolve(event.data);
  });
}

async function run(api: PyodideAPI, control: MessagePort, task: Task): Promise<void> {
  const stream = (port: MessagePort): Stream => new Stream(box, port);
  const { wheels, missing } = task.packages ? await brought(task.packages) : NOTHING;
  await install(api, wheels);
  await call(api, "huddle.browser.runner_worker", "main", box, {
    packages: wheels.map(({ name }) => name),
    missing,
    config: task.config,
    files: task.files,
    peers: Object.fromEntries(task.peers.map(([pid, port]) => [pid, stream(port)])),
    stdin: stream(task.stdin),
    stdout: stream(task.stdout),
    stderr: stream(task.stderr),
    written: (files: Record<string, Uint8Array>) => control.postMessage({ written: files }),
    report: (text: string) => control.postMessage({ report: text }),
  });
}

self.onmessage = async (event: MessageEvent<RunnerStart>) => {
  self.onmessage = null;
  const { assets, control } = event.data;
  const failed = (error: unknown): void => control.postMessage({ failed: reasonOf(error) });
  try {
    const api = await python(assets, box, "runner");
    await call(api, "huddle.browser.runner_worker", "prepare");
    control.onmessage = ({ data }: MessageEvent<Task>) => void run(api, control, data).catch(failed);
    control.postMessage({ ready: true });
  } catch (error) {
    failed(error);
  }
};
