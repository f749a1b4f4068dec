/**
 * Generates clients from the document with the tools that people use, and compiles code that uses
 * them; and does the same for our own client. A type that no longer fits fails here.
 *
 * - `npm test`: all of that, and what our own client does without a server.
 * - `npm run live -- <base-url> <token>`: our own client against a running server.
 *
 * Both write to `generated/` and to `node_modules/@chatkit-rs/`: a second run waits for the first.
 */

import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const GENERATED = path.join(HERE, "generated");
const DOCUMENT = "../../openapi/chat-api.yaml";
const LINT_CONFIG = "../../openapi/redocly.yaml";
const CLIENT = path.join(HERE, "../../openapi/typescript");
const INSTALLED_CLIENT = path.join(HERE, "node_modules/@chatkit-rs/client");
const LOCK = path.join(HERE, "generated.lock");

/** What npm packs of our own client beside what is built. */
const PACKED = ["package.json", "README.md", "LICENSE-APACHE", "LICENSE-MIT"];

/** What our own client does and says without a server. */
const TESTS = [
  ...["client", "adapter", "limits", "guards/schemas", "guards/values", "pack"],
  ...["follow/stream", "follow/cut", "follow/again", "follow/stop"],
];

/** A name, and what is done under it. */
const STEPS = {
  lint: () => tool("redocly", "lint", DOCUMENT, "--config", LINT_CONFIG, "--format", "stylish"),
  "the document as JSON": () =>
    tool("redocly", "bundle", DOCUMENT, "--output", "generated/chat-api.json"),
  "openapi-typescript": () =>
    tool("openapi-typescript", DOCUMENT, "-o", "generated/openapi-typescript/schema.ts"),
  "hey-api": () =>
    tool(
      ...["openapi-ts", "--input", DOCUMENT, "--output", "generated/hey-api"],
      ...["--client", "@hey-api/client-fetch", "--no-log-file"],
    ),
  orval: () => tool("orval", "--config", "orval.config.mjs", "--fail-on-warnings"),
  "the client's schema": compareSchema,
  "the client": buildClient,
  "compile, strict": () => tool("tsc", "--project", "tsconfig.json"),
  "compile, exact": () => tool("tsc", "--project", "tsconfig.exact.json"),
  "compile for Node": () => tool("tsc", "--project", "tsconfig.node.json"),
  behaviour: () => node("--test", ...TESTS.map((name) => `generated/node/${name}.test.js`)),
};

const [command, ...parameters] = process.argv.slice(2);
switch (`${command} ${parameters.length}`) {
  case "test 0":
    lock();
    rmSync(GENERATED, { recursive: true, force: true });
    Object.keys(STEPS).forEach(step);
    break;
  case "live 2":
    lock();
    ["the client", "compile for Node"].forEach(step);
    process.exitCode = watch("generated/node/live.js", ...parameters);
    break;
  default:
    fail("usage: npm test, or npm run live -- <base-url> <token>");
}

/** Waits until no other run is under way, and keeps others waiting until this one ends. */
function lock() {
  while (!tryLock()) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
  process.on("exit", () => rmSync(LOCK, { force: true }));
}

/** Takes the lock if it is free. One that was left behind by a run that was killed is removed. */
function tryLock() {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    try {
      process.kill(Number(readFileSync(LOCK, "utf8")), 0);
    } catch (error) {
      if (error.code === "ESRCH") {
        rmSync(LOCK, { force: true });
      }
    }
    return false;
  }
}

/** Does one step and tells how long it took; ends with the first that fails. */
function step(name) {
  const start = performance.now();
  const problem = STEPS[name]();
  if (problem !== undefined) {
    fail(`${problem}\nfailed: ${name}`);
  }
  console.log(`ok: ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
}

/** Runs a tool of this package. Returns what it said if it failed. */
function tool(name, ...parameters) {
  return node(path.join("node_modules/.bin", name), ...parameters);
}

/** Runs a program of Node. Returns what it said if it failed. */
function node(...parameters) {
  const { status, error, stdout, stderr } = spawn(parameters, "pipe");
  return status === 0 ? undefined : [error ?? "", stdout, stderr].join("").trim();
}

/** Runs a program of Node and shows what it says. Returns its exit code. */
function watch(...parameters) {
  const { status, error } = spawn(parameters, "inherit");
  if (error) {
    console.error(String(error));
  }
  return status ?? 1;
}

function spawn(parameters, stdio) {
  return spawnSync(process.execPath, parameters, {
    cwd: HERE,
    encoding: "utf8",
    stdio,
    env: {
      ...process.env,
      // Nothing is to be told or asked about this run.
      REDOCLY_TELEMETRY: "off",
      REDOCLY_SUPPRESS_UPDATE_NOTICE: "true",
      // A test that runs another one's tests would hide what they print.
      NODE_TEST_CONTEXT: undefined,
    },
  });
}

/** Whether the client's types are those of the document. */
function compareSchema() {
  const fresh = readFileSync(path.join(GENERATED, "openapi-typescript/schema.ts"), "utf8");
  const checkedIn = readFileSync(path.join(CLIENT, "src/schema.ts"), "utf8");
  return fresh === checkedIn
    ? undefined
    : "openapi/typescript/src/schema.ts is not what the document says: run `cargo xtask openapi`";
}

/**
 * Builds the client and puts it where npm would. It is built from a copy, so that it is compiled
 * against this package's dependencies and its own folder needs none.
 */
function buildClient() {
  const copy = path.join(GENERATED, "client");
  rmSync(copy, { recursive: true, force: true });
  for (const name of [...PACKED, "tsconfig.json", "src"]) {
    cpSync(path.join(CLIENT, name), path.join(copy, name), { recursive: true });
  }
  const problem = tool("tsc", "--project", "generated/client");
  if (problem !== undefined) {
    return problem;
  }
  rmSync(INSTALLED_CLIENT, { recursive: true, force: true });
  for (const name of [...PACKED, "dist"]) {
    cpSync(path.join(copy, name), path.join(INSTALLED_CLIENT, name), { recursive: true });
  }
  return undefined;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
