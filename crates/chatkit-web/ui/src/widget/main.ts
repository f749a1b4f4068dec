/** The script that a page of somebody else's loads: it makes `<chatkit-widget>` known. */

import { ChatkitWidget, setHome } from "./element";

const NAME = "chatkit-widget";

// Known only while the script is first run.
const { currentScript } = document;
setHome(currentScript instanceof HTMLScriptElement ? currentScript.src : document.baseURI);

if (customElements.get(NAME) === undefined) {
  customElements.define(NAME, ChatkitWidget);
}
