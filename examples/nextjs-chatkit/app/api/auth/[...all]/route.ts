import { auth } from "../../../../lib/auth";

/** Better Auth's own endpoints; `token` and `jwks` among them. */
function handle(request: Request): Promise<Response> {
  return auth().handler(request);
}

export { handle as GET, handle as POST };
