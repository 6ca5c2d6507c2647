// What is waited for until it happens or the person has stopped it.

/** The promise's value; rejects with an AbortError as soon as `signal` fires, whatever becomes of the promise then. */
export async function unlessAborted(promise, signal) {
  let giveUp;
  const aborted = new Promise((_, reject) => {
    giveUp = () => reject(new DOMException("stopped", "AbortError"));
  });
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}
