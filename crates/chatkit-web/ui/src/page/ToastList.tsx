/** Notes at the edge of the page. */

import { IconButton } from "../controls/IconButton";
import { dismiss, holdToasts, releaseToasts, toasts } from "./toasts";

export function ToastList() {
  return (
    <div
      class="toasts"
      role="status"
      aria-live="polite"
      onPointerEnter={holdToasts}
      onPointerLeave={releaseToasts}
      onFocusIn={holdToasts}
      onFocusOut={releaseToasts}
    >
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
