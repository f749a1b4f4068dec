/** Waiting no longer than is reasonable. */

/** What a promise gives; thrown away, with a `TimeoutError`, after so many milliseconds. */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: number | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = window.setTimeout(() => {
      reject(new DOMException("It took too long", "TimeoutError"));
    }, milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    window.clearTimeout(timer);
  }
}
