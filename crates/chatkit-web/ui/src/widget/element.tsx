/** The custom element `<chatkit-widget>`. */

import { type Signal, signal } from "@preact/signals";
import { render } from "preact";

import type { Emit } from "./events";
import { OPTIONS, optionsOf } from "./options";
import { type GetToken, WidgetSession } from "./session";
import { Widget } from "./Widget";
import css from "./styles/index.css?inline";

const styles = new CSSStyleSheet();
styles.replaceSync(css);

/** What a page may set before the element knows what it is. */
const PROPERTIES = ["getToken", "open", "token"] as const;

/** The origin and the path of the server whose script this is. */
let home = "";

/** Says where the script came from: the server beside it is the one that is called. */
export function setHome(script: string): void {
  home = new URL(".", script).href;
}

export class ChatkitWidget extends HTMLElement {
  static readonly observedAttributes = [...OPTIONS, "open", "server", "token"];

  readonly #mount: HTMLElement;
  readonly #options = signal(optionsOf(this));
  readonly #isOpen = signal(false);
  #session: Signal<WidgetSession> | undefined;
  #getToken: GetToken | null = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styles];
    this.#mount = document.createElement("div");
    root.append(this.#mount);
  }

  /** Gives a fresh token for each request. Without it the attribute `token` counts, else the cookie. */
  get getToken(): GetToken | null {
    return this.#getToken;
  }

  set getToken(getToken: GetToken | null) {
    this.#getToken = getToken;
    this.#tryAgain();
  }

  /** The attribute `token`. */
  get token(): string | null {
    return this.getAttribute("token");
  }

  set token(token: string | null) {
    if (token === null) {
      this.removeAttribute("token");
    } else {
      this.setAttribute("token", token);
    }
  }

  /** Whether the panel is open; the attribute `open`. */
  get open(): boolean {
    return this.hasAttribute("open");
  }

  set open(isOpen: boolean) {
    this.toggleAttribute("open", isOpen);
  }

  /** The conversation that is open; `null` before its first message. */
  get conversationId(): string | null {
    return this.#session?.value.chat.value.id.value ?? null;
  }

  /** Opens the panel and sends a text, as if the user had typed it. */
  ask(text: string): void {
    this.open = true;
    void this.#session?.value.ask(text);
  }

  /** Begins a conversation. */
  newConversation(): void {
    this.#session?.value.begin();
  }

  /** Forgets the user, who has left: what is shown, the conversation, and what was being typed. */
  forget(): void {
    this.#session?.value.forget();
  }

  connectedCallback(): void {
    this.#upgrade();
    this.#begin();
    const session = this.#session;
    if (session !== undefined) {
      const props = { session, options: this.#options, isOpen: this.#isOpen };
      render(<Widget {...props} setOpen={(isOpen) => (this.open = isOpen)} />, this.#mount);
    }
  }

  disconnectedCallback(): void {
    render(null, this.#mount);
    this.#session?.value.dispose();
    this.#session = undefined;
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now) {
      return;
    }
    if (name === "open") {
      this.#showOrHide();
    } else if (name === "server") {
      this.#begin();
    } else if (name === "token") {
      this.#tryAgain();
    } else {
      this.#options.value = optionsOf(this);
    }
  }

  /** Properties that were set before the element was defined hide those of its class. */
  #upgrade(): void {
    for (const name of PROPERTIES) {
      if (Object.hasOwn(this, name)) {
        const value: unknown = Reflect.get(this, name);
        Reflect.deleteProperty(this, name);
        Reflect.set(this, name, value);
      }
    }
  }

  /** Turns to the server that is meant. */
  #begin(): void {
    if (!this.isConnected) {
      return;
    }
    const address = this.getAttribute("server") ?? home;
    const baseUrl = new URL(address, document.baseURI).href.replace(/\/+$/, "");
    const session = new WidgetSession(baseUrl, () => this.#askForToken(), this.#emit);
    this.#session?.value.dispose();
    if (this.#session === undefined) {
      this.#session = signal(session);
    } else {
      this.#session.value = session;
    }
    this.#showOrHide();
  }

  #showOrHide(): void {
    const { open } = this;
    if (open) {
      this.#session?.value.open();
    } else {
      this.#session?.value.close();
    }
    if (open !== this.#isOpen.value) {
      this.#isOpen.value = open;
      this.#emit(open ? "chatkit-open" : "chatkit-close", null);
    }
  }

  /** Asks again to be let in, where the server has refused. */
  #tryAgain(): void {
    const session = this.#session?.value;
    if (session?.isSignedOut.value) {
      void session.enter();
    }
  }

  #askForToken(): string | null | Promise<string | null> {
    return this.#getToken === null ? this.token || null : this.#getToken();
  }

  readonly #emit: Emit = (name, detail) => {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  };
}
