/** Which conversation the address names: `/c/<id>`, or none at all. */

import { signal } from "@preact/signals";

/** The conversation in the address; `null` for a new one. */
export const routeId = signal(idIn(window.location.pathname));

window.addEventListener("popstate", () => {
  routeId.value = idIn(window.location.pathname);
});

/** The address of a conversation. */
export function pathOf(id: string | null): string {
  return id === null ? "/" : `/c/${encodeURIComponent(id)}`;
}

/** Goes to a conversation, from which the way back leads here. */
export function navigate(id: string | null): void {
  if (id !== routeId.value) {
    window.history.pushState(null, "", pathOf(id));
    routeId.value = id;
  }
}

function idIn(path: string): string | null {
  const id = /^\/c\/([^/]+)\/?$/.exec(path)?.[1];
  return id === undefined ? null : decoded(id);
}

/** The part of a path; one that cannot be decoded names nothing that exists. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
