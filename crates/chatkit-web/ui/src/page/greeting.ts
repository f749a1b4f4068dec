/** What is said to who has just come. */

/** A greeting for the time of day. */
export function greeting(now: Date): string {
  const hour = now.getHours();
  if (hour < 5 || hour >= 18) {
    return "Good evening";
  }
  return hour < 12 ? "Good morning" : "Good afternoon";
}
