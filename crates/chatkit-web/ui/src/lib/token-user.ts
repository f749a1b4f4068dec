/** Whom a token is for, as far as can be read without its key. */

/** The claims that may name the user, in the order in which the server looks for them. */
const CLAIMS = ["sub", "user_id", "id"];

/** The user of a token; `null` where it does not say so. It is no proof of anything. */
export function userOf(token: string): string | null {
  try {
    const part = token.split(".")[1] ?? "";
    const claims: unknown = JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/")));
    const values = CLAIMS.map((name) => Object(claims)[name] as unknown);
    const user = values.find((value) => value !== undefined && value !== null);
    return user === undefined ? null : String(user);
  } catch {
    return null;
  }
}
