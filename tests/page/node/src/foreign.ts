/** A page of somebody else's, of an origin of its own, which has the widget. */

import { createServer } from "node:http";

import { origin } from "./stage.js";

/** Nothing but its own files, and those of the server: no inline script, no inline style. */
const POLICY = [
  "default-src 'none'",
  `script-src 'self' ${origin}`,
  "style-src 'self'",
  `connect-src ${origin}`,
  "require-trusted-types-for 'script'",
  "trusted-types chatkit",
].join("; ");

/** Rules that a page may well have, and that would make a widget without a shadow ugly. */
const STYLES = `
  html { font-size: 62.5%; }
  * { font-family: cursive; letter-spacing: 0.3em; text-transform: uppercase; }
  body { margin: 0; background: #fff8ee; }
  button { border-radius: 0 !important; background: lime !important; }
  h2, p, article { color: purple !important; }
  :focus { outline: 9px solid red; }
`;

/** Notes the keys that reach the page, and what the widget tells it. */
const SCRIPT = `
  window.keys = [];
  window.told = [];
  addEventListener("keydown", ({ key }) => window.keys.push(key));
  for (const name of ["open", "close", "conversation", "message", "tool", "error", "unauthorized"]) {
    addEventListener("chatkit-" + name, ({ type, detail }) => window.told.push([type, detail]));
  }
`;

/** What the page says of the widget: its attributes. */
let element = "";

function answer(path: string): [type: string, body: string] {
  switch (path) {
    case "/page.css":
      return ["text/css", STYLES];
    case "/page.js":
      return ["text/javascript", SCRIPT];
    default:
      return ["text/html", page()];
  }
}

function page(): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>Beans and Leaves</title>
    <link rel="stylesheet" href="/page.css" />
    <script src="/page.js"></script>
    <script src="${origin}/widget.js" defer></script>
  </head>
  <body>
    <main>
      <h1>Fresh coffee</h1>
      <button type="button" id="buy">Buy</button>
    </main>
    <chatkit-widget ${element}></chatkit-widget>
  </body>
</html>`;
}

/** Serves the page at a port; a port of 0 is one that the server knows nothing of. */
export async function serve(port: number): Promise<number> {
  const server = createServer(({ url = "/" }, response) => {
    const [type, body] = answer(url);
    response.writeHead(200, { "Content-Type": type, "Content-Security-Policy": POLICY });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(port, resolve));
  server.unref();
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

/** Gives the widget these attributes on every page from now on. */
export function putWidget(attributes: string): void {
  element = attributes;
}
