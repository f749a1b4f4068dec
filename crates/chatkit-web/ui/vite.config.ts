/** How the page is built into `../dist`, which the server has in its binary. */

import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** The server that answers while the page is worked on. */
const api = { "/api": process.env["CHATKIT_SERVER"] ?? "http://127.0.0.1:8000" };

/** The policy under which the server sends the page, so that a breach is seen before it ships. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types chatkit",
].join("; ");

/** Where the client is: in its source, which finds its one dependency in this folder. */
export const client = {
  alias: {
    "@chatkit-rs/client": fileURLToPath(
      new URL("../../../openapi/typescript/src/index.ts", import.meta.url),
    ),
  },
  dedupe: ["openapi-fetch"],
};

/** Where what is built goes. */
export const outDir = process.env["OUT_DIR"] ?? "../dist";

export default defineConfig({
  resolve: client,
  build: {
    outDir,
    emptyOutDir: true,
    target: "es2022",
    // The policy lets styles and scripts come from files alone.
    assetsInlineLimit: 0,
    modulePreload: false,
    // What others wrote of the page, and on which terms.
    license: { fileName: "licenses.md" },
  },
  server: { host: "127.0.0.1", proxy: api },
  preview: { host: "127.0.0.1", proxy: api, headers: { "Content-Security-Policy": policy } },
});
