/** Times as people say them. */

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

/** The time of day. */
export function timeOfDay(time: string): string {
  return clock.format(new Date(time));
}

/** Day and time, written out. */
export function fullTime(time: string): string {
  return full.format(new Date(time));
}

/** How long something took. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1_000) {
    return `${milliseconds} ms`;
  }
  const seconds = milliseconds / 1_000;
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
}

/** The heading under which a conversation of this time is listed. */
export function period(time: string, now: Date): string {
  const today = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const days = (today.getTime() - new Date(time).getTime()) / 86_400_000;
  if (days <= 0) {
    return "Today";
  }
  if (days <= 1) {
    return "Yesterday";
  }
  if (days <= 7) {
    return "Previous 7 days";
  }
  return days <= 30 ? "Previous 30 days" : "Older";
}
