/** How the widget is built: one classic script, which any page can load, with its styles in it. */

import { defineConfig } from "vite";

import { client, outDir } from "./vite.config.ts";

/** The pixels of a `rem`, which on a page of somebody else's may be anything. */
const REM = 16;

export default defineConfig({
  publicDir: false,
  resolve: client,
  css: {
    postcss: {
      plugins: [
        {
          postcssPlugin: "rem-in-pixels",
          Declaration(declaration) {
            declaration.value = inPixels(declaration.value);
          },
          AtRule(rule) {
            rule.params = inPixels(rule.params);
          },
        },
      ],
    },
  },
  build: {
    outDir,
    emptyOutDir: false,
    target: "es2022",
    lib: {
      entry: "src/widget/main.ts",
      formats: ["iife"],
      name: "chatkitWidget",
      fileName: () => "widget.js",
    },
  },
});

function inPixels(text: string): string {
  return text.replace(/(-?\d*\.?\d+)rem\b/g, (_, number: string) => `${Number(number) * REM}px`);
}
