/** Notes at the edge of the page. */

import { dismiss, toasts } from "../state/toasts";
import { IconButton } from "./IconButton";

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, action }) => (
        <div class="toast" key={id}>
          <span>{text}</span>
          {action && (
            <button
              type="button"
              class="toast-action"
              onClick={() => {
                dismiss(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <IconButton icon="cross" name="Dismiss" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
