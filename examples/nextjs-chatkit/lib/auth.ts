/** Better Auth: who the users are, and the tokens by which the chat server knows them. */

import { betterAuth, type BetterAuthOptions } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { jwt } from "better-auth/plugins";
import { SqliteDialect } from "kysely";
import Database from "libsql";

const options = {
  baseURL: process.env.BETTER_AUTH_URL ?? "http://localhost:3000",
  database: { type: "sqlite", dialect: new SqliteDialect({ database: open }) },
  emailAndPassword: { enabled: true },
  // Who has signed out can use a token until it ends, as the chat server asks nobody.
  plugins: [jwt({ jwt: { expirationTime: "5m" } })],
  telemetry: { enabled: false },
} satisfies BetterAuthOptions;

let instance: ReturnType<typeof make> | undefined;

/** Made when it is first needed, so that a build needs no secret. */
export function auth() {
  return (instance ??= make());
}

function make() {
  return betterAuth(options);
}

/** Brings the database to what Better Auth needs, and ends the start when the app cannot work. */
export async function prepare(): Promise<void> {
  if (!process.env.BETTER_AUTH_SECRET) {
    console.error("BETTER_AUTH_SECRET is missing: see .env.example");
    process.exit(1);
  }
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
}

/** Called by the first query: a build, which makes none, leaves no file behind. */
async function open(): Promise<Database.Database> {
  const database = new Database(process.env.AUTH_DATABASE ?? "auth.db", { timeout: 5_000 });
  database.pragma("journal_mode = WAL");
  return database;
}
