/** Keys that nobody else makes up. */

/** A random key. `crypto.randomUUID` is missing where the page is not served by HTTPS or locally. */
export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
