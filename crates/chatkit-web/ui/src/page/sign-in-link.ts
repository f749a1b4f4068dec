/**
 * The token of a sign-in link, `/#token=…`. This module is the first to run, so that the token is
 * out of the address bar and of the history before anything else can read or show it.
 */

/** The token in the address, which is removed from it; `undefined` where there is none. */
export function takeToken(): string | undefined {
  const { hash, pathname, search } = window.location;
  const token = new URLSearchParams(hash.slice(1)).get("token");
  if (token === null) {
    return undefined;
  }
  window.history.replaceState(null, "", pathname + search);
  return token === "" ? undefined : token;
}

/** The token that the page was opened with. */
export const openingToken = takeToken();
