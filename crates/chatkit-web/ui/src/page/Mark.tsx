/** The sign of the page, the same as its icon. */

export function Mark() {
  return <img class="mark" src="/favicon.svg" alt="" width="40" height="40" />;
}
