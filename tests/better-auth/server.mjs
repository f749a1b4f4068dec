/**
 * A real Better Auth: `node server.mjs [--alg EdDSA|ES256|RS256] [--rotation-interval <seconds>]`.
 *
 * It keeps its users in memory, signs them up by mail and password, issues JWTs (`/api/auth/token`,
 * `/api/auth/jwks`) and takes its session tokens as bearer tokens, too. It listens on a free port,
 * prints one line of JSON with its base URL, and ends when its standard input does.
 */

import { createServer } from "node:http";
import process from "node:process";
import { parseArgs } from "node:util";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { bearer, jwt } from "better-auth/plugins";

/** The keys that each algorithm is used with. */
const KEY_PAIRS = {
  EdDSA: { alg: "EdDSA", crv: "Ed25519" },
  ES256: { alg: "ES256" },
  RS256: { alg: "RS256", modulusLength: 2048 },
};

const { values: flags } = parseArgs({
  options: {
    alg: { type: "string", default: "EdDSA" },
    "rotation-interval": { type: "string" },
  },
});
const keyPairConfig = KEY_PAIRS[flags.alg];
if (keyPairConfig === undefined) {
  throw new Error(`no algorithm: ${flags.alg}`);
}
const rotationInterval = flags["rotation-interval"] && Number(flags["rotation-interval"]);

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  // Better Auth has to know its URL, which is its tokens' issuer, and that needs the port.
  const baseURL = `http://127.0.0.1:${server.address().port}`;
  const auth = betterAuth({
    baseURL,
    secret: "a-secret-of-the-tests-0123456789abcdef",
    database: memoryAdapter({ user: [], session: [], account: [], verification: [], jwks: [] }),
    emailAndPassword: { enabled: true },
    plugins: [jwt({ jwks: { keyPairConfig, rotationInterval } }), bearer()],
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
  });
  server.on("request", toNodeHandler(auth));
  console.log(JSON.stringify({ base_url: baseURL }));
});

// Whoever started it holds the other end, and closes it however it ends.
process.stdin.resume();
process.stdin.on("end", () => process.exit());
