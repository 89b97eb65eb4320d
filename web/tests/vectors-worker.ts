/** A worker that runs a Python file of the tests on the session's surroundings, and posts what it returns. */
import { Mailbox } from "../src/core/mailbox";
import { here, type Assets } from "../src/core/assets";
import { call, python } from "../src/core/python";
import * as webcrypto from "../src/core/webcrypto";

self.onmessage = async ({ data }: MessageEvent<{ assets: Assets; files: Record<string, string> }>) => {
  const box = new Mailbox();
  try {
    const api = await python(here(data.assets), box, "session");
    for (const [path, text] of Object.entries(data.files)) {
      const directory = `/checkout/${path}`.replace(/\/[^/]*$/, "");
      api.FS.mkdirTree(directory);
      api.FS.writeFile(`/checkout/${path}`, text);
    }
    api.runPython("import sys; sys.path.insert(0, '/checkout')");
    self.postMessage(await call(api, "web.tests.vectors", "main", box, box.outcomes(webcrypto)));
  } catch (error) {
    self.postMessage(String(error instanceof Error ? error.message : error));
  }
};
