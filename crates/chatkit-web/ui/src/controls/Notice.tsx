/** What went wrong, at the place where it did, and what can be done about it. */

import { Icon } from "./Icon";

interface Props {
  text: string;
  action?: string;
  onAction?: () => void;
}

export function Notice({ text, action = "Try again", onAction }: Props) {
  return (
    <div class="notice" role="alert">
      <Icon name="alert" />
      <span>{text}</span>
      {onAction && (
        <button type="button" class="link-button" onClick={onAction}>
          {action}
        </button>
      )}
    </div>
  );
}
