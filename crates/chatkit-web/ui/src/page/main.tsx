/** The page's beginning. */

// Before everything else, as it takes the token out of the address.
import "./lib/sign-in-link";

import { render } from "preact";

import { App } from "./components/App";
import { start } from "./state/app";
import "./styles/index.css";

const root = document.getElementById("app");
if (root) {
  start();
  render(<App />, root);
}
