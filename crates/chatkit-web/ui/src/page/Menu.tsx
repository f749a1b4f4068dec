/** A button with a few things to do. It opens above everything, so that no list cuts it off. */

import { useId, useRef } from "preact/hooks";

import { Icon, type IconName } from "../controls/Icon";

export interface MenuItem {
  icon: IconName;
  label: string;
  run: () => void;
}

interface Props {
  name: string;
  items: readonly MenuItem[];
}

export function Menu({ name, items }: Props) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);

  const place = (event: ToggleEvent) => {
    if (event.newState === "open" && button.current && menu.current) {
      moveTo(menu.current, button.current.getBoundingClientRect());
      menu.current.querySelector("button")?.focus();
    }
  };

  return (
    <>
      <button
        ref={button}
        type="button"
        class="icon-button menu-button"
        title="Options"
        aria-label={name}
        aria-haspopup="menu"
        popovertarget={id}
      >
        <Icon name="more" />
      </button>
      <div ref={menu} id={id} class="menu" role="menu" popover="auto" onToggle={place} onKeyDown={takeKey}>
        {items.map(({ icon, label, run }) => (
          <button
            key={label}
            type="button"
            role="menuitem"
            tabIndex={-1}
            onClick={() => {
              menu.current?.hidePopover();
              run();
            }}
          >
            <Icon name={icon} />
            {label}
          </button>
        ))}
      </div>
    </>
  );
}

/** Puts a menu below its button, or above where there is no room. */
function moveTo(menu: HTMLElement, button: DOMRect): void {
  const { offsetHeight, offsetWidth } = menu;
  const isRoom = button.bottom + offsetHeight + 8 < window.innerHeight;
  menu.style.top = `${isRoom ? button.bottom + 4 : button.top - offsetHeight - 4}px`;
  menu.style.left = `${Math.max(8, Math.min(button.left, window.innerWidth - offsetWidth - 8))}px`;
}

function takeKey(event: KeyboardEvent): void {
  if (!(event.currentTarget instanceof HTMLElement)) {
    return;
  }
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape") {
    // The menu is what it closes; the drawer behind it stays.
    event.stopPropagation();
  } else if (step !== undefined) {
    event.preventDefault();
    const index = buttons.findIndex((button) => button === document.activeElement);
    buttons.at((index + step) % buttons.length)?.focus();
  }
}
