/** The API beside the page: what is there before a scenario begins. */

import { origin, users } from "./stage.js";

/** Calls an operation as Alice, or as who has this token. */
export async function api<T = unknown>(
  method: string,
  path: string,
  body?: unknown,
  token: string = users.alice,
): Promise<T> {
  const response = await fetch(`${origin}/api/chat${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}
