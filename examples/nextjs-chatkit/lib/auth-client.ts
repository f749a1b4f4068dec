/** Better Auth as the browser speaks to it: at this app's own origin, under `/api/auth`. */

import { createAuthClient } from "better-auth/react";

export const authClient = createAuthClient();
