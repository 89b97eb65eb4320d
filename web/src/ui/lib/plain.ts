/** What a person takes who runs the program by plain MPyC. */

/** Bytes of the longest text that a QR code of medium correction holds (version 40). */
export const LARGEST = 2331;

export const fitsCode = (text: string): boolean => new TextEncoder().encode(text).length <= LARGEST;
