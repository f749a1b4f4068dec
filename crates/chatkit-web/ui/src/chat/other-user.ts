/** Calls that are meant for one user, and came as another's. */

/** Whether a request was refused because another user has come (`X-Expected-User`). */
export async function isForOtherUser(request: Request, response: Response): Promise<boolean> {
  if (response.status !== 403 || !request.headers.has("X-Expected-User")) {
    return false;
  }
  try {
    const problem: unknown = await response.clone().json();
    return Object(problem).code === "other_user";
  } catch {
    // It is not the server that has refused it.
    return false;
  }
}
