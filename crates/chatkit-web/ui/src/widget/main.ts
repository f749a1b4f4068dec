/** The script that a page of somebody else's loads: it makes `<chatkit-widget>` known. */

import { ChatkitWidget } from "./element";

const NAME = "chatkit-widget";

if (customElements.get(NAME) === undefined) {
  customElements.define(NAME, ChatkitWidget);
}
