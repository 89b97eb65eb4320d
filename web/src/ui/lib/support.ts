/** Whether a session is possible in this browser, found out before anything is loaded. */

export interface Problem {
  what: string;
  todo: string;
}

const BROWSERS =
  "Use a current Chrome, Edge or Firefox on a computer or an Android phone: it was tried in Chromium 156 and Firefox 153. " +
  "Of Safari take 27 or newer: the engine of 27 was tried.";

const APPLE = /iPhone|iPad/;
const IPHONE = "On an iPhone or iPad every browser is Safari inside, so another one does not help. It has to be Safari 27 or newer: update the system, or use a computer or an Android phone.";

/** The parts of `globalThis` that count here, so that a test can leave some out. */
export interface Surroundings {
  isSecureContext?: boolean;
  WebAssembly?: object;
  Worker?: unknown;
  indexedDB?: unknown;
  crypto?: { subtle?: object };
  navigator?: { userAgent?: string };
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
      todo: `${APPLE.test(here.navigator?.userAgent ?? "") ? IPHONE : BROWSERS} Or take part from a terminal with the huddle command.`,
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

/** What can only be found out by trying: the two curves. */
export async function cryptographyProblem(subtle: SubtleCrypto): Promise<Problem | undefined> {
  try {
    await subtle.generateKey("Ed25519", false, ["sign"]);
    await subtle.generateKey("X25519", false, ["deriveBits"]);
    return undefined;
  } catch {
    return { what: "This browser's cryptography has no Ed25519 or X25519, which every party needs.", todo: BROWSERS };
  }
}
