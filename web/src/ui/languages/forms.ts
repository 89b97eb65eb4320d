/** A text with a count, by the forms of `Intl.PluralRules`. */
export type Forms = { one: string; other: string };
