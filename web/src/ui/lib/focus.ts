/**
 * Where the cursor goes when what had it is gone: to the nearest place around it that is still there, and never to
 * nowhere, from where somebody without a mouse would begin again at the top. What was only moved keeps the cursor.
 */

const PLACES = "section, form, aside, fieldset, li, main";

export function keepFocus(page: HTMLElement): () => void {
  let around: HTMLElement[] = [];
  let held: Element | undefined;

  function note(event: FocusEvent): void {
    held = event.target as Element;
    around = [];
    for (let place = held.parentElement; place; place = place.parentElement) if (place.matches(PLACES)) around.push(place);
  }
  function look(): void {
    if (!held || (document.activeElement !== null && document.activeElement !== document.body)) return;
    const usable = held.isConnected && !held.matches(":disabled") && (held as HTMLElement).offsetParent !== null;
    if (usable) return (held as HTMLElement).focus({ preventScroll: true });
    held = undefined;
    const place = around.find((one) => one.isConnected) ?? page;
    const heading = place.querySelector<HTMLElement>("h1, h2, h3") ?? place;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
  /** Whoever presses beside everything wants the cursor nowhere. */
  function press(): void {
    held = undefined;
  }
  const watching = new MutationObserver(look);
  watching.observe(page, { childList: true, subtree: true, attributes: true, attributeFilter: ["disabled", "hidden", "open"] });
  page.addEventListener("focusin", note);
  document.addEventListener("pointerdown", press, true);
  return () => {
    watching.disconnect();
    page.removeEventListener("focusin", note);
    document.removeEventListener("pointerdown", press, true);
  };
}
