/**
 * The runner's worker: Pyodide in a frame without network, which runs one program and is ended then.
 *
 * From the frame: one message with the assets and the port to the session worker. On that port it says
 * `ready` once, gets one `RunnerTask`, and reports as texts. Whatever the program does to this worker, the
 * other end takes none of it at its word.
 */
import { Mailbox, Stream } from "./mailbox";
import type { Given } from "./packages";
import { call, install, python, reasonOf, type Assets } from "./python";
import type { Task } from "./runners";

const box = new Mailbox();
const NOTHING: Given = { wheels: [], missing: {} };

/** The one message of that port. */
function brought(port: MessagePort): Promise<Given> {
  return new Promise((resolve) => {
    port.onmessage = (event: MessageEvent<Given>) => resolve(event.data);
  });
}

self.onmessage = async (event: MessageEvent<{ assets: Assets; control: MessagePort }>) => {
  self.onmessage = null;
  const { assets, control } = event.data;
  try {
    const api = await python(assets);
    await call(api, "huddle.browser.runner", "prepare");
    control.onmessage = async ({ data }: MessageEvent<Task>) => {
      const stream = (port: MessagePort): Stream => new Stream(box, port);
      try {
        const { wheels, missing } = data.packages ? await brought(data.packages) : NOTHING;
        await install(api, wheels);
        await call(api, "huddle.browser.runner", "main", box, {
          packages: wheels.map(({ name }) => name),
          missing,
          config: data.config,
          files: data.files,
          peers: Object.fromEntries(data.peers.map(([pid, port]) => [pid, stream(port)])),
          stdin: stream(data.stdin),
          stdout: stream(data.stdout),
          stderr: stream(data.stderr),
          written: (files: Record<string, Uint8Array>) => control.postMessage({ written: files }),
          report: (text: string) => control.postMessage({ report: text }),
        });
      } catch (error) {
        control.postMessage({ failed: reasonOf(error) });
      }
    };
    control.postMessage({ ready: true });
  } catch (error) {
    control.postMessage({ failed: reasonOf(error) });
  }
};
