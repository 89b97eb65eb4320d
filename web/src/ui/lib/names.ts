/**
 * Which names a person may take, by the same rule as huddle/identity/names.py, so that the field says at once
 * what Python would say late. tests/vectors/names.json holds both to it.
 */

export const NAME_LENGTH = 64;

const PICTURE = "[\\u2190-\\u2bff\\u{1f000}-\\u{1faff}]";
const AFTER = "[\\ufe0f\\u{1f3fb}-\\u{1f3ff}]";
const JOINING = "[\\u0620-\\u0dff]";
/** Joiners that a script or a picture needs, and that hide nothing. */
export const JOINER = `(?<=${JOINING})[\\u200c\\u200d](?=${JOINING})|(?<=${PICTURE}${AFTER}?)\\u200d(?=${PICTURE})`;
/** And the sign that a picture is not to be shown as text. */
export const NEEDED = `${JOINER}|(?<=${PICTURE})\\ufe0f`;

const joiners = new RegExp(JOINER, "gu");
/** What Python's `isprintable` refuses. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

export type NameProblem = "empty" | "ends" | "long" | "hidden" | "form";

/** What is wrong with a name, if anything; spaces at its ends are for whoever calls to take away. */
export function nameProblem(name: string): NameProblem | undefined {
  if (name === "") return "empty";
  if (name !== name.trim()) return "ends";
  if ([...name].length > NAME_LENGTH) return "long";
  if (UNPRINTABLE.test(name.replace(joiners, ""))) return "hidden";
  if (name !== name.normalize("NFC")) return "form";
  return undefined;
}

/** A name as it is sent: one form of its letters, no spaces at its ends. */
export const tidied = (name: string): string => name.trim().normalize("NFC");
