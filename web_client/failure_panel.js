// Where a failure is shown: an element with role "alert", so that a screen reader says it at once.

/** Show a failure's words in `element`, or nothing for null. */
export function showFailure(element, failure) {
  const said = element.textContent;
  element.hidden = failure === null;
  if (failure === null) element.replaceChildren();
  if (failure === null || failure.message === said) return; // the same again is not announced twice
  const title = Object.assign(document.createElement("strong"), { textContent: failure.title });
  const advice = Object.assign(document.createElement("p"), { textContent: failure.advice });
  element.replaceChildren(title, " ", advice);
  element.scrollIntoView({ block: "nearest" });
}
