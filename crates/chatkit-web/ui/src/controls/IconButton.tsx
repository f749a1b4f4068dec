/** A button that is a picture, with its name for those who point at it or cannot see it. */

import { Icon, type IconName } from "./Icon";

interface Props {
  icon: IconName;
  name: string;
  onClick: () => void;
  isPressed?: boolean;
  isDisabled?: boolean;
}

export function IconButton({ icon, name, onClick, isPressed, isDisabled }: Props) {
  return (
    <button
      type="button"
      class="icon-button"
      title={name}
      aria-label={name}
      {...(isPressed === undefined ? {} : { "aria-pressed": isPressed })}
      disabled={isDisabled ?? false}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
