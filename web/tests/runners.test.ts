/** Runners that fail, hang or flood, as the session worker has them. */
import { expect, test } from "vitest";
import { Mailbox, POLLIN } from "../src/core/mailbox";
import { Runners, WARM } from "../src/core/runners";

const GONE = 2;
const WRITTEN = 6; // of a link

/** A page that makes runners; each entry says what the next one does once it is made. */
function page(...behaviours: ((control: MessagePort) => void)[]): { box: Mailbox; runners: Runners; made: () => number; needed: string[][] } {
  const box = new Mailbox();
  const { port1: near, port2: far } = new MessageChannel();
  let made = 0;
  const make = (): void => {
    const { port1, port2 } = new MessageChannel();
    far.postMessage({ runner: port1 }, [port1]);
    port2.start();
    behaviours[Math.min(made++, behaviours.length - 1)]?.(port2);
  };
  const needed: string[][] = [];
  far.onmessage = ({ data }) => {
    if ("needs" in data) {
      needed.push(data.needs);
      data.to?.postMessage({ wheels: [], missing: { numpy: "…" } });
      return;
    }
    if (!("kill" in data)) return;
    far.postMessage({ gone: "it was ended" });
    make();
  };
  const runners = new Runners(box, near, () => undefined);
  make();
  return { box, runners, made: () => made, needed };
}

async function note(box: Mailbox): Promise<unknown[]> {
  await box.poll({ HEAP32: new Int32Array([box.fd, POLLIN]) }, 0, 1, 30_000);
  return box.take() ?? [];
}

const fails = (control: MessagePort): void => control.postMessage({ failed: "no memory" });

test("a runner that does not get ready is replaced, and the run goes on in the next one", async () => {
  let got: unknown;
  const { box, runners } = page(fails, (control) => {
    control.onmessage = (event) => {
      got = event.data.config;
      control.postMessage({ report: '{"exit": 0}' });
    };
    control.postMessage({ ready: true });
  });
  const running = runners.start("{}", {}, [1]);
  expect(await note(box)).toEqual([running.id, 1, '{"exit": 0}']);
  expect(got).toBe("{}");
});

test("a runner is told once that a program may run soon, the next one too, and none that has its task at once", async () => {
  const said: unknown[][] = [];
  const { runners, made } = page((control) => {
    const words: unknown[] = [];
    said.push(words);
    control.onmessage = ({ data }) => {
      words.push(data === WARM ? data : data.config);
      if (data.config === "first") control.postMessage({ failed: "it was the program's doing" });
    };
    control.postMessage({ ready: true });
  });
  await expect.poll(made).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(said).toEqual([[]]);
  runners.expect([]);
  runners.expect([]);
  await expect.poll(() => said).toEqual([[WARM]]);
  runners.start("first", {}, [1]);
  await expect.poll(() => said).toEqual([[WARM, "first"], [WARM]]);
  runners.start("second", {}, [1]);
  await expect.poll(() => said).toEqual([[WARM, "first"], [WARM, "second"]]);

  const hurried: unknown[] = [];
  const other = page((control) => {
    control.onmessage = ({ data }) => hurried.push(data === WARM ? data : data.config);
    control.postMessage({ ready: true });
  });
  other.runners.expect([]);
  other.runners.start("at once", {}, [1]);
  await expect.poll(() => hurried).toEqual(["at once"]);
});

test("what a program imports is asked of the page, and comes to the runner by a port of its own", async () => {
  let came: unknown;
  const { box, runners, needed } = page((control) => {
    control.onmessage = ({ data }) => {
      data.packages.onmessage = (event: MessageEvent) => {
        came = event.data;
        control.postMessage({ report: '{"exit": 0}' });
      };
    };
    control.postMessage({ ready: true });
  });
  runners.expect([]);
  runners.expect(["numpy"]);
  const running = runners.start("{}", {}, [], ["numpy"]);
  expect(await note(box)).toEqual([running.id, 1, '{"exit": 0}']);
  expect(needed).toEqual([["numpy"], ["numpy"]]);
  expect(came).toEqual({ wheels: [], missing: { numpy: "…" } });
});

test("where no runner ever gets ready, the run fails and says why, and so do later ones at once", async () => {
  const { box, runners, made } = page(fails);
  const running = runners.start("{}", {}, []);
  const reason = "its worker failed: no memory";
  expect(await note(box)).toEqual([running.id, GONE, reason]);
  expect(made()).toBe(3);
  const later = runners.start("{}", {}, []);
  expect(box.take()).toEqual([later.id, GONE, reason]);
});

test("a runner that is ended says no more, whatever it goes on to send", async () => {
  let control: MessagePort | undefined;
  let begins: (task: unknown) => void = () => undefined;
  const begun = new Promise((resolve) => (begins = resolve));
  const { box, runners } = page((port) => {
    port.postMessage({ ready: true });
    if (control) return;
    control = port;
    port.onmessage = (event) => begins(event);
  });
  const running = runners.start("{}", {}, [1]);
  await begun;
  running.kill();
  // Its peer's link gets the END that it can't write any more.
  expect(await note(box)).toEqual([running.peer(1)?.id, WRITTEN, undefined, running.id, GONE, "it was ended"]);
  control?.postMessage({ report: '{"exit": 0}' });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(box.take()).toBeUndefined();
  expect(running.peer(1)?.hungUp).toBe(true);
});

const FOUL = "it sent its supervisor something that no runner says";

test.each([
  ["what is no word", { report: 7 }],
  ["two words at once", { report: "{}", ready: true }],
  ["that it is ready once more", { ready: true }],
  ["a report that is too long", { report: "x".repeat(70_000) }],
])("a runner that says %s is ended, and its run with it", async (_what, said) => {
  const { box, runners, made } = page((control) => {
    control.onmessage = () => control.postMessage(said);
    control.postMessage({ ready: true });
  });
  const running = runners.start("{}", {}, []);
  expect(await note(box)).toEqual([running.id, GONE, FOUL]);
  await expect.poll(made).toBe(2);
});

test("a program that says that its worker is ready gets no second task", async () => {
  const tasks: string[] = [];
  const { box, runners } = page((control) => {
    control.onmessage = (event) => {
      tasks.push(event.data.config);
      control.postMessage({ report: '{"exit": 0}' });
      control.postMessage({ ready: true });
    };
    control.postMessage({ ready: true });
  });
  const running = runners.start("first", {}, []);
  const notes = [...(await note(box)), ...(await note(box))];
  expect(notes).toEqual([running.id, 1, '{"exit": 0}', running.id, GONE, FOUL]);
  runners.start("second", {}, []);
  await note(box);
  expect(tasks).toEqual(["first", "second"]);
});
