/** The guard of problem documents. */

import type { FieldError, Problem } from "../types.js";
import { type Guard, isInteger, isString, listOf, objectOf, optional } from "./guard.js";

const isFieldError = objectOf<FieldError>({ path: isString, message: isString });

/**
 * Whether it is a problem as the server sends it, such as the `error` of a call of `client.api`.
 * What the client throws is told by `isProblem`.
 */
export const isProblemDocument: Guard<Problem> = objectOf<Problem>({
  type: isString,
  title: isString,
  status: isInteger,
  detail: isString,
  code: isString,
  request_id: isString,
  errors: optional(listOf(isFieldError)),
  active_run_id: optional(isString),
  conversation_id: optional(isString),
  user_message_id: optional(isString),
  run_id: optional(isString),
  assistant_message_id: optional(isString),
});
