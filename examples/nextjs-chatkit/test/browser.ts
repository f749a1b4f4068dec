/** What a browser does for a page of the app, without one. */

import assert from "node:assert/strict";

export class Browser {
  readonly #app: string;
  readonly #cookies = new Map<string, string>();
  /** The paths of the app's that were asked for. */
  readonly asked: string[] = [];

  /** A browser that shows a page of this origin. */
  constructor(app: string) {
    this.#app = app;
  }

  /**
   * Sends a request as from the page: with its origin, with the cookies that belong to the app,
   * and to other origins only what those permit (the Fetch standard, "CORS protocol").
   */
  readonly fetch: typeof fetch = async (input, init) => {
    const target = input instanceof Request ? input : new URL(input, this.#app);
    const request = new Request(target, { redirect: "manual", ...init });
    request.headers.set("Origin", this.#app);
    return new URL(request.url).origin === this.#app
      ? this.#sendHome(request)
      : this.#sendAbroad(request);
  };

  /** Asks Better Auth for something, which must be granted. */
  async auth(path: string, body: object = {}): Promise<void> {
    const response = await this.fetch(`/api/auth${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200, `${path}: ${await response.text()}`);
  }

  async #sendHome(request: Request): Promise<Response> {
    this.asked.push(new URL(request.url).pathname);
    request.headers.set("Cookie", [...this.#cookies].map((pair) => pair.join("=")).join("; "));
    const response = await fetch(request);
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.#cookies.set(name, value);
      if (/;\s*max-age=0(;|$)/i.test(cookie)) {
        this.#cookies.delete(name);
      }
    }
    return response;
  }

  async #sendAbroad(request: Request): Promise<Response> {
    assert.ok(!request.headers.has("Cookie"));
    await this.#preflight(request);
    const response = await fetch(request);
    this.#permitted(response.headers.get("Access-Control-Allow-Origin") === this.#app);
    return response;
  }

  async #preflight(request: Request): Promise<void> {
    const asked = ["authorization", "content-type"].filter((name) => request.headers.has(name));
    const { headers, ok } = await fetch(request.url, {
      method: "OPTIONS",
      headers: {
        Origin: this.#app,
        "Access-Control-Request-Method": request.method,
        "Access-Control-Request-Headers": asked.join(","),
      },
    });
    const list = (name: string) => (headers.get(name) ?? "").toLowerCase().split(/,\s*/);
    const allowed = list("Access-Control-Allow-Headers");
    this.#permitted(ok && headers.get("Access-Control-Allow-Origin") === this.#app);
    this.#permitted(list("Access-Control-Allow-Methods").includes(request.method.toLowerCase()));
    this.#permitted(asked.every((name) => allowed.includes(name)));
  }

  /** A page is told no more than this. */
  #permitted(is: boolean): void {
    if (!is) {
      throw new TypeError("Failed to fetch");
    }
  }
}
