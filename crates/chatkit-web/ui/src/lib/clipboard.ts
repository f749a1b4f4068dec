/** Copying, also where the page is not served by HTTPS and the clipboard's own interface is missing. */

/** Copies a text. Gives back whether that worked. */
export async function copyText(text: string): Promise<boolean> {
  if (window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyBySelection(text);
    }
  }
  return copyBySelection(text);
}

function copyBySelection(text: string): boolean {
  const focused = focusedElement();
  const area = document.createElement("textarea");
  area.value = text;
  // By its own style, as a page of somebody else has no class for it.
  Object.assign(area.style, { position: "fixed", opacity: "0", pointerEvents: "none" });
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) {
    focused.focus();
  }
  return isCopied;
}

/** What has the keyboard, also within a shadow. */
function focusedElement(): Element | null {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) {
    focused = focused.shadowRoot.activeElement;
  }
  return focused;
}
