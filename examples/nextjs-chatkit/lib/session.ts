/** Who is asking for a page. */

import { headers } from "next/headers";

import { auth } from "./auth";

/** The user whose session the request's cookie names, if that has not ended. */
export async function currentUser() {
  // Asked for first: it tells a build that such a page is made anew for each request.
  const asked = await headers();
  const session = await auth().api.getSession({ headers: asked });
  return session?.user;
}
