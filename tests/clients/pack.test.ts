/** What npm would publish of our own client: all that it needs to run, and nothing else. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { test } from "node:test";

/** The client as it was built for these tests, beside which they are compiled. */
const CLIENT = new URL("../client/", import.meta.url);

/** The root of the repository. */
const ROOT = new URL("../../../../", import.meta.url);

/** What is in the package besides what was built. */
const BESIDES = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json"];

const MANIFEST = JSON.parse(read("package.json"));

function read(file: string, folder = CLIENT): string {
  return readFileSync(new URL(file, folder), "utf8");
}

/** The files that npm would put into the package. */
function packed(): string[] {
  const command = ["pack", "--dry-run", "--json", "--ignore-scripts", "--loglevel=error"];
  const { status, stdout, stderr } = spawnSync("npm", command, { cwd: CLIENT, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const [{ files }]: [{ files: { path: string }[] }] = JSON.parse(stdout);
  return files.map(({ path }) => path);
}

const FILES = packed();
const BUILT = FILES.filter((file) => !BESIDES.includes(file));

/** The modules that a file asks for. */
function importsOf(file: string): string[] {
  const found = read(file).matchAll(/\b(?:from|import|import\()\s*"([^"]+)"/g);
  return Array.from(found, ([, name]) => name ?? "");
}

/** The files that `exports` names, whatever they are for. */
function targetsOf(exports: unknown): string[] {
  if (typeof exports === "string") {
    return [exports.replace(/^\.\//, "")];
  }
  return Object.values(exports as object).flatMap(targetsOf);
}

test("it holds what was built, and what says what it is", () => {
  assert.deepEqual(FILES.filter((file) => BESIDES.includes(file)).sort(), BESIDES);
  for (const file of BUILT) {
    assert.match(file, /^dist\/(?:[a-z-]+\/)?[a-z-]+\.(?:js|d\.ts)$/);
  }
});

test("each module has its types, and comes from a source", () => {
  const modules = BUILT.filter((file) => file.endsWith(".js"));
  const types = BUILT.filter((file) => file.endsWith(".d.ts"));
  assert.deepEqual(types.sort(), modules.map((file) => file.replace(/\.js$/, ".d.ts")).sort());
  for (const file of modules) {
    read(file.replace(/^dist\//, "src/").replace(/\.js$/, ".ts"));
  }
});

test("what the package exports is in it, types first", () => {
  for (const target of [...targetsOf(MANIFEST.exports), ...targetsOf(MANIFEST.types)]) {
    assert.ok(FILES.includes(target), target);
  }
  // Conditions are tried in their order, and `default` always holds.
  assert.deepEqual(Object.keys(MANIFEST.exports["."]), ["types", "default"]);
});

test("it asks for its own files and for its one dependency", () => {
  assert.deepEqual(Object.keys(MANIFEST.dependencies), ["openapi-fetch"]);
  for (const key of ["peerDependencies", "optionalDependencies", "bundledDependencies"]) {
    assert.equal(MANIFEST[key], undefined, key);
  }
  const asked = new Set<string>();
  for (const file of BUILT) {
    for (const name of importsOf(file)) {
      if (name.startsWith(".")) {
        // With its ending: neither Node nor a browser guesses one.
        const target = new URL(name, new URL(file, CLIENT)).href.slice(CLIENT.href.length);
        assert.ok(FILES.includes(target), `${file} asks for ${name}`);
      } else {
        assert.ok(!isBuiltin(name), `${file} asks for ${name}, which browsers have not got`);
        asked.add(name);
      }
    }
  }
  assert.deepEqual([...asked], ["openapi-fetch"]);
});

test("it is a module that does nothing when it is loaded, for Node 20 and newer", () => {
  assert.equal(MANIFEST.type, "module");
  assert.equal(MANIFEST.sideEffects, false);
  assert.equal(MANIFEST.engines.node, ">=20");
  for (const script of ["preinstall", "install", "postinstall"]) {
    assert.equal(MANIFEST.scripts[script], undefined, script);
  }
});

test("its licences are the repository's", () => {
  for (const file of ["LICENSE-APACHE", "LICENSE-MIT"]) {
    assert.equal(read(file), read(file, ROOT), file);
  }
});
