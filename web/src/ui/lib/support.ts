/** Whether a session is possible in this browser, found out before anything is loaded. */
import { t } from "../texts";

export interface Problem {
  what: string;
  todo: string;
}

const APPLE = /iPhone|iPad/;

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
      what: t("cant.http"),
      todo: t("cant.httpDo"),
    };
  }
  if (!here.WebAssembly || !("Suspending" in here.WebAssembly)) {
    return {
      what: t("cant.pause"),
      todo: `${t(APPLE.test(here.navigator?.userAgent ?? "") ? "cant.iphone" : "cant.browsers")} ${t("cant.orTerminal")}`,
    };
  }
  if (!here.Worker || !here.crypto?.subtle) {
    return { what: t("cant.workers"), todo: t("cant.browsers") };
  }
  if (!here.indexedDB) {
    return {
      what: t("cant.storage"),
      todo: t("cant.storageDo"),
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
    return { what: t("cant.curves"), todo: t("cant.browsers") };
  }
}
