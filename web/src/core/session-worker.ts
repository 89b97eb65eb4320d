/**
 * The session's worker: identity, room, control and data links, in Python; see huddle/browser/session_worker.py.
 *
 * From the page: first one `Start`, then decisions. To the page: events.
 */
import { coming } from "./assets";
import { identity } from "./identity";
import { Mailbox } from "./mailbox";
import type { Decision, Seen, SessionEvent } from "./protocol";
import { NotRestored, call, python, reasonOf } from "./python";
import { Rtc } from "./rtc";
import { Runners } from "./runners";
import * as webcrypto from "./webcrypto";

export interface Start {
  /** Of `passOn`. */
  assets: MessagePort;
  backstage: MessagePort;
  /** To the page's WebRTC, if it has any. */
  rtc: MessagePort | undefined;
  /** URL of the rendezvous that served the page. */
  rendezvous: string;
  /** The person's contacts file; empty where there is none. */
  contacts: string;
  /** What the page's language says for Huddle's own sentences, as a .po file; empty for English. */
  catalogue: string;
}

const box = new Mailbox();
const began = performance.now();
const tell = (event: SessionEvent): void => self.postMessage(event);

self.onmessage = async ({ data }: MessageEvent<Start>) => {
  const id = box.nextId();
  let run = 1;
  self.onmessage = (event: MessageEvent<Decision | Seen>) => box.note(id, 1, event.data);
  if (data.rtc) box.rtc = new Rtc(box, data.rtc);
  try {
    const runners = new Runners(box, data.backstage, (files) => tell({ event: "written", run, files }));
    const [api, pair] = await Promise.all([python(coming(data.assets), box, "session"), identity()]);
    await call(api, "huddle.browser.session_worker", "main", box, {
      id,
      pair,
      runners,
      crypto: box.outcomes(webcrypto),
      rendezvous: data.rendezvous,
      contacts: data.contacts,
      catalogue: data.catalogue,
      tell: (event: SessionEvent) => {
        if (event.event === "run") run = event.run;
        tell(event.event === "ready" ? { ...event, seconds: (performance.now() - began) / 1000 } : event);
      },
    });
  } catch (error) {
    if (error instanceof NotRestored) return tell({ event: "unrestored", reason: error.message });
    tell({ event: "broken", message: reasonOf(error), hint: "" }); // the page says what to do
  }
};
