/** The page's beginning. */

// Before everything else, as it takes the token out of the address.
import "./sign-in-link";

import { render } from "preact";

import { colourCode } from "../markdown/colours";
import { highlighting } from "../markdown/highlight";
import { App } from "./App";
import { start } from "./page";
import "./styles/index.css";

const root = document.getElementById("app");
if (root) {
  colourCode(highlighting);
  start();
  render(<App />, root);
}
