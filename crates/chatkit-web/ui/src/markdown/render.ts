/** Markdown into nodes that are safe to show, whoever wrote it. */

import DOMPurify from "dompurify";
import { Marked, type Token } from "marked";

import { escapeHtml } from "./escape";
import { colours } from "./colours";
import { isTame } from "./tame";

/** Only what leads somewhere else: not to this page's own addresses, and not into a script. */
const ADDRESSES = /^(?:https?:|mailto:)/i;

/** Attributes that are no addresses, and are taken for such where nothing says so. */
const NO_ADDRESSES = ["align", "start", "tabindex", "type"];

const LINE_BREAK = /^<br ?\/?>$/i;

const marked = new Marked({ gfm: true, breaks: true, async: false });

marked.use({
  renderer: {
    // Markup in an answer is something it talks about, and is shown as it was written, but for the
    // one tag by which a cell of a table has several lines.
    html({ text, block }) {
      if (LINE_BREAK.test(text)) {
        return "<br>";
      }
      return block ? `<p class="raw">${escapeHtml(text.trim())}</p>` : escapeHtml(text);
    },

    // One level below the page's own headings, as answers begin with whatever level they like.
    heading({ depth, tokens }) {
      return `<h3 data-depth="${depth}">${this.parser.parseInline(tokens)}</h3>`;
    },

    code({ text, lang }) {
      const tag = lang?.trim().split(/\s/, 1)[0] ?? "";
      const name = escapeHtml(colours().nameOf(tag) || "Text");
      return (
        `<div class="code"><div class="code-head"><span>${name}</span>` +
        '<button type="button" class="code-copy" data-copy="">Copy</button></div>' +
        `<pre tabindex="0" role="region" aria-label="${name} code">` +
        `<code>${colours().htmlOf(text, tag)}</code></pre></div>`
      );
    },

    table(token) {
      const head = token.header.map((cell) => this.tablecell(cell)).join("");
      const rows = token.rows.map((row) => `<tr>${row.map((cell) => this.tablecell(cell)).join("")}</tr>`);
      return (
        '<div class="table" tabindex="0" role="region" aria-label="Table"><table>' +
        `<thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`
      );
    },

    // Asking for a picture would tell its server who reads this, so that is left to a click.
    image({ href, text }) {
      return `<a href="${escapeHtml(href)}">Image: ${escapeHtml(text || href)}</a>`;
    },

    // A task has its own mark, and needs none of the list.
    listitem({ task, tokens }) {
      return `<li${task ? ' class="task"' : ""}>${this.parser.parse(tokens)}</li>`;
    },

    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node instanceof HTMLAnchorElement && node.hasAttribute("href")) {
    node.target = "_blank";
    node.rel = "noopener noreferrer nofollow";
  }
});

/** The blocks of a text: paragraphs, lists, code and so on, each of which stands by itself. */
export function blocksOf(text: string): readonly Token[] {
  if (!isTame(text)) {
    return [asWritten(text)];
  }
  try {
    return marked.lexer(text).filter(({ type }) => type !== "space" && type !== "def");
  } catch {
    return [asWritten(text)];
  }
}

/** A text that is not read as Markdown. */
function asWritten(text: string): Token {
  return { type: "html", raw: text, text, pre: false, block: true };
}

/** What a block is made of. */
export function rendered(block: Token): DocumentFragment {
  return safe(parsed(block));
}

/** How many blocks of a text are enough to hear what it is about. */
const HEARD = 8;

/** The beginning of a text as it is read out. */
export function heard(text: string): string {
  const blocks = blocksOf(text).slice(0, HEARD);
  return blocks.map((block) => safe(parsed(block)).textContent?.trim() ?? "").join(" ");
}

function parsed(block: Token): string {
  try {
    return marked.parser([block]);
  } catch {
    return `<p class="raw">${escapeHtml(block.raw)}</p>`;
  }
}

/**
 * The policy that a page with Trusted Types knows this by (Trusted Types, "policy"). One of
 * DOMPurify's own may be there already. Nothing is let through by it that is not sanitised next.
 */
const policy = (() => {
  try {
    const rules = { createHTML: (html: string) => html, createScriptURL: (url: string) => url };
    return window.trustedTypes?.createPolicy("chatkit", rules) as TrustedTypePolicy | undefined;
  } catch {
    return undefined;
  }
})();

function safe(html: string): DocumentFragment {
  return DOMPurify.sanitize(html, {
    ...(policy === undefined ? {} : { TRUSTED_TYPES_POLICY: policy }),
    RETURN_DOM_FRAGMENT: true,
    ALLOWED_URI_REGEXP: ADDRESSES,
    ADD_URI_SAFE_ATTR: NO_ADDRESSES,
    USE_PROFILES: { html: true },
    FORBID_TAGS: ["style", "form", "input", "textarea", "select", "img", "picture", "video", "audio"],
    FORBID_ATTR: ["style", "id", "name"],
  });
}

