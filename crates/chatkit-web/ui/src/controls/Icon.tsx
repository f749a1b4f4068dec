/** The pictures on buttons. They say nothing by themselves: the button has a name. */

const PATHS = {
  plus: "M12 5v14M5 12h14",
  menu: "M4 7h16M4 12h16M4 17h16",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM16.2 16.2 21 21",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  edit: "M4 20h4L19 9l-4-4L4 16v4ZM13.5 6.5l4 4",
  trash: "M4 7h16M10 11v6M14 11v6M6 7l1 13h10l1-13M9 7V4h6v3",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "m5 12.5 4.5 4.5L19 7.5",
  cross: "M6 6l12 12M18 6 6 18",
  up: "M7 11v9M7 11l4-7c1.6 0 2.5 1 2.5 2.5V9.5H18.5a2 2 0 0 1 2 2.4l-1.2 6.5a2 2 0 0 1-2 1.6H7M7 11H3.5v9H7",
  down: "M7 13V4M7 13l4 7c1.6 0 2.5-1 2.5-2.5v-3H18.5a2 2 0 0 0 2-2.4L19.3 5.6a2 2 0 0 0-2-1.6H7M7 13H3.5V4H7",
  again: "M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6",
  send: "M12 20V5M5.5 11.5 12 5l6.5 6.5",
  chat: "M20.5 11.5a8 8 0 0 1-11.7 7.1L4 20l1.4-4.7a8 8 0 1 1 15.1-3.8Z",
  arrowDown: "M12 4v15M5.5 12.5 12 19l6.5-6.5",
  fold: "m5 9 7 7 7-7",
  chevron: "m9 6 6 6-6 6",
  leave: "M14 4h5v16h-5M4 12h11M11 8l4 4-4 4",
  alert: "M12 8v5M12 16.5h.01M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z",
  pause: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM9 9h6v6H9z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
