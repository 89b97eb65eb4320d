/** Whether a session is possible in this browser, found out before anything is loaded. */

export interface Problem {
  what: string;
  todo: string;
}

const BROWSERS = "Use a current Chrome, Edge or Firefox: it was tried in Chromium 156 and Firefox 153.";

/** The parts of `globalThis` that count here, so that a test can leave some out. */
export interface Surroundings {
  isSecureContext?: boolean;
  WebAssembly?: object;
  Worker?: unknown;
  indexedDB?: unknown;
  crypto?: { subtle?: unknown };
}

export function problem(here: Surroundings): Problem | undefined {
  if (!here.isSecureContext) {
    return {
      what: "This page came over plain http, where a browser offers no cryptography.",
      todo: "Open it with https:// at the beginning, or ask whoever runs this server to add it.",
    };
  }
  if (!here.WebAssembly || !("Suspending" in here.WebAssembly)) {
    return {
      what: "This browser can't pause WebAssembly (JSPI), which running MPyC here needs.",
      todo: `${BROWSERS} Or take part from a terminal with the huddle command.`,
    };
  }
  if (!here.Worker || !here.crypto?.subtle) {
    return { what: "This browser has no workers or no WebCrypto.", todo: BROWSERS };
  }
  if (!here.indexedDB) {
    return {
      what: "This browser keeps nothing for this page, not even your key.",
      todo: "Allow this site to keep data, or use another window than a private one.",
    };
  }
  return undefined;
}
