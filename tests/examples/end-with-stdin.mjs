/**
 * Ends a Node program when its standard input does: `node --import ./end-with-stdin.mjs …`.
 *
 * Whoever started it holds the other end, and closes it however it ends.
 */

import process from "node:process";

process.stdin.resume();
process.stdin.on("end", () => process.exit());
