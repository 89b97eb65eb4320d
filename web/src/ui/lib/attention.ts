/** Says that a person is needed who looks at something else: a sound, the phone's buzz, a notification. */

/** Hertz and seconds of the two notes. */
const NOTES = [660, 880];
const NOTE = 0.12;
/** Milliseconds after which a sound would only puzzle. */
const SOON = 10_000;

let audio: AudioContext | undefined;

/** Only what a person does lets a page make sounds later: to be called then. */
export function mayBeHeard(): void {
  if (typeof AudioContext === "undefined") return;
  audio ??= new AudioContext();
  void audio.resume().catch(() => undefined);
}

export const canNotify = (): boolean => "Notification" in globalThis && Notification.permission === "default";
export const notifies = (): boolean => "Notification" in globalThis && Notification.permission === "granted";

export async function askToNotify(): Promise<void> {
  mayBeHeard();
  await Notification.requestPermission().catch(() => undefined);
}

/** `force`: also where the page is in front. */
export function call(text: string, force = false): void {
  const elsewhere = document.visibilityState === "hidden" || !document.hasFocus();
  if (!elsewhere && !force) return;
  void ring().catch(() => undefined);
  if ("vibrate" in navigator && navigator.userActivation?.hasBeenActive) navigator.vibrate([120, 60, 120]);
  if (!notifies()) return;
  try {
    const note = new Notification("Huddle", { body: text, tag: "huddle", icon: "icon-192.png" });
    note.onclick = () => {
      focus();
      note.close();
    };
  } catch {
    return; // phones let only service workers show them
  }
}

/** Now, or when the sound that a click allowed has started; not once what it is for has long been seen. */
async function ring(): Promise<void> {
  const asked = performance.now();
  await audio?.resume();
  if (!audio || performance.now() - asked > SOON) return;
  NOTES.forEach((pitch, i) => {
    const [tone, volume] = [audio!.createOscillator(), audio!.createGain()];
    tone.frequency.value = pitch;
    const from = audio!.currentTime + i * NOTE;
    volume.gain.setValueAtTime(0.12, from);
    volume.gain.exponentialRampToValueAtTime(0.001, from + NOTE);
    tone.connect(volume).connect(audio!.destination);
    tone.start(from);
    tone.stop(from + NOTE);
  });
  performance.mark("huddle-rang");
}
