/** Colours for code in the languages that assistants write most. */

import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import go from "highlight.js/lib/languages/go";
import ini from "highlight.js/lib/languages/ini";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";

import type { Colours } from "./colours";
import { escapeHtml } from "./escape";

const languages = {
  bash, css, diff, go, ini, javascript, json, python, rust, sql, typescript, xml, yaml,
};
for (const [name, language] of Object.entries(languages)) {
  hljs.registerLanguage(name, language);
}

/** Longer code stays without colours: finding them would hold up the page. */
const LONGEST = 30_000;

/** What the languages are called above their code. */
const NAMES: Readonly<Record<string, string>> = {
  bash: "Shell",
  css: "CSS",
  diff: "Diff",
  go: "Go",
  ini: "INI",
  javascript: "JavaScript",
  json: "JSON",
  python: "Python",
  rust: "Rust",
  sql: "SQL",
  toml: "TOML",
  typescript: "TypeScript",
  html: "HTML",
  xml: "XML",
  yaml: "YAML",
};

/** The code as HTML: with colours where its language is known, escaped in any case. */
function highlighted(code: string, tag: string): string {
  if (code.length > LONGEST || hljs.getLanguage(tag) === undefined) {
    return escapeHtml(code);
  }
  return hljs.highlight(code, { language: tag, ignoreIllegals: true }).value;
}

/** What to call the language of a code block; it is `tag` as it was written where that is unknown. */
function languageName(tag: string): string {
  const name = tag.toLowerCase();
  // Not what every object has, such as a `constructor`.
  const known = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
  if (known !== undefined) {
    return known;
  }
  const aliased = Object.keys(languages).find((name) => hljs.getLanguage(tag) === hljs.getLanguage(name));
  return (aliased === undefined ? tag : NAMES[aliased]) ?? tag;
}

/** The colours, for `colourCode`. */
export const highlighting: Colours = { htmlOf: highlighted, nameOf: languageName };
