// The choice of portraits: a group of radio cards, one of them the person's own once there is one.

/** Event "choose" (detail: the entry chosen). An entry: { key, name, image, credit, licence, source_url }. */
export class PortraitGallery extends EventTarget {
  #list;
  #credit;
  #entries = new Map();
  #ownCard = null;

  /** `list`: the element that holds the cards; `credit`: the line below that says whose picture it is. */
  constructor({ list, credit, ownCard }) {
    super();
    this.#list = list;
    this.#credit = credit;
    this.#ownCard = ownCard;
    list.addEventListener("change", ({ target }) => target.type === "radio" && this.#chosen(target.value));
  }

  /** Put the server's portraits before the card for one's own. */
  show(entries) {
    const cards = entries.map((entry) => this.#card(entry));
    this.#list.replaceChildren(...cards, this.#ownCard);
  }

  /** Add or replace one entry, before the card that opens the file dialogue. */
  put(entry) {
    const card = this.#card(entry);
    const present = this.#radio(entry.key)?.closest(".card");
    if (present) present.replaceWith(card);
    else this.#ownCard.before(card);
  }

  remove(key) {
    this.#radio(key)?.closest(".card").remove();
    this.#entries.delete(key);
  }

  select(key) {
    const radio = this.#radio(key);
    if (!radio) return;
    radio.checked = true;
    this.#chosen(key);
  }

  #chosen(key) {
    const entry = this.#entries.get(key);
    this.#credit.replaceChildren(...creditLine(entry));
    this.dispatchEvent(new CustomEvent("choose", { detail: entry }));
  }

  #radio(key) {
    return [...this.#list.querySelectorAll('input[type="radio"]')].find(({ value }) => value === key);
  }

  #card(entry) {
    this.#entries.set(entry.key, entry);
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "portrait", value: entry.key });
    radio.setAttribute("aria-describedby", this.#credit.id);
    const picture = Object.assign(new Image(160, 160), { src: entry.image, alt: "" });
    const name = Object.assign(document.createElement("span"), { className: "card-name", textContent: entry.name });
    const card = Object.assign(document.createElement("label"), { className: "card" });
    card.append(radio, picture, name);
    return card;
  }
}

/** Whose picture it is and what allows its use, with a link to where it comes from. */
function creditLine({ credit, licence, source_url: sourceUrl }) {
  const words = [credit, licence].filter(Boolean).map((part) => part.replace(/\.$/, ""));
  const line = [words.length ? `${words.join(". ")}.` : ""];
  if (!sourceUrl) return line;
  const source = Object.assign(document.createElement("a"), { href: sourceUrl, textContent: "Source" });
  Object.assign(source, { target: "_blank", rel: "noreferrer" });
  return [...line, " ", source];
}
