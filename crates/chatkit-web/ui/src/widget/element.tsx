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

/** The script's own address; known only while it is first run, and not at all of a module. */
const script = document.currentScript instanceof HTMLScriptElement ? document.currentScript.src : "";

/** Where the script came from: the server beside it is the one that is called. */
function home(): string {
  const loaded = document.querySelector<HTMLScriptElement>('script[src$="/widget.js"]')?.src;
  return new URL(".", script || loaded || document.baseURI).href;
}

/** An address as the client wants it: without a slash, a question or a fragment at its end. */
function baseOf(address: string): string {
  try {
    const { origin, pathname } = new URL(address, document.baseURI);
    return origin + pathname.replace(/\/+$/, "");
  } catch {
    console.error(`chatkit-widget: "${address}" is no address of a server`);
    return "";
  }
}

export class ChatkitWidget extends HTMLElement {
  static readonly observedAttributes = [...OPTIONS, "open", "server", "token"];

  readonly #mount: HTMLElement;
  readonly #options = signal(optionsOf(this));
  readonly #isOpen = signal(false);

  /** There is one while the element is in a page. */
  #session: Signal<WidgetSession> | undefined;
  #getToken: GetToken | null = null;

  /** What is to be sent as soon as the element is in a page. */
  #asked: string | undefined;

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
    if (getToken !== this.#getToken) {
      this.#getToken = getToken;
      this.#session?.value.renew();
    }
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
    return this.#session?.value.chat.value?.id.value ?? null;
  }

  /** Opens the panel and sends a text, as if the user had typed it. */
  ask(text: string): void {
    this.open = true;
    if (this.#session === undefined) {
      this.#asked = text;
    } else {
      void this.#session.value.ask(text);
    }
  }

  /** Begins a conversation. */
  newConversation(): void {
    this.#session?.value.begin();
  }

  /** Forgets the user, who has left: what is shown, the conversation, and what was being typed. */
  forget(): void {
    this.#asked = undefined;
    this.#session?.value.forget();
  }

  connectedCallback(): void {
    if (this.#session !== undefined) {
      // It was only moved.
      return;
    }
    this.#upgrade();
    const session = signal(this.#newSession());
    this.#session = session;
    const props = { session, options: this.#options, isOpen: this.#isOpen };
    render(<Widget {...props} setOpen={(isOpen) => (this.open = isOpen)} />, this.#mount);
    this.#showOrHide();
    if (this.#asked !== undefined) {
      void session.value.ask(this.#asked);
      this.#asked = undefined;
    }
  }

  disconnectedCallback(): void {
    queueMicrotask(() => {
      if (!this.isConnected) {
        render(null, this.#mount);
        this.#session?.value.dispose();
        this.#session = undefined;
      }
    });
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now) {
      return;
    }
    if (name === "open") {
      this.#showOrHide();
    } else if (name === "server") {
      this.#turnToServer();
    } else if (name === "token") {
      this.#session?.value.renew();
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

  #newSession(): WidgetSession {
    const address = this.getAttribute("server")?.trim() || home();
    return new WidgetSession(baseOf(address), () => this.#askForToken(), this.#emit);
  }

  /** Turns to another server, as the attribute has changed. */
  #turnToServer(): void {
    if (this.#session !== undefined) {
      this.#session.value.dispose();
      this.#session.value = this.#newSession();
      this.#showOrHide();
    }
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

  #askForToken(): ReturnType<GetToken> {
    return this.#getToken === null ? this.token || null : this.#getToken();
  }

  readonly #emit: Emit = (name, detail) => {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  };
}
