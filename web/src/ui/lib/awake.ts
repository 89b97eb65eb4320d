/** Keeps the screen on while a run goes: a phone that sleeps stops computing. */
let lock: WakeLockSentinel | undefined;
let wanted = false;

export function stayAwake(on: boolean): void {
  if (wanted === on) return;
  wanted = on;
  if (on) void acquire();
  else void lock?.release().catch(() => undefined);
}

async function acquire(): Promise<void> {
  if (!("wakeLock" in navigator) || document.visibilityState !== "visible") return;
  try {
    lock = await navigator.wakeLock.request("screen");
    if (!wanted) await lock.release();
  } catch {
    // Refused, for a low battery say: the run goes on all the same.
  }
}

/** The browser takes the lock away while the tab is hidden. */
export function watchVisibility(): void {
  document.addEventListener("visibilitychange", () => {
    if (wanted) void acquire();
  });
}
