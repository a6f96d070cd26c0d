"use strict";
// The two lists of a task: the ranking, and the pieces still to rank. Clicks and keys; drag.js does the dragging.

class Board {
  // ties: whether pieces may share a rank. changed(): called after every change. say(text): for screen readers.
  constructor({ pool, ranking, ties, changed, say, pictures }) {
    this.lists = { pool, ranking };
    this.ties = ties;
    this.changed = changed;
    this.say = say;
    this.pictures = pictures;
    this.cards = new Map();
    this.drag = new CardDrag(this.lists, (item, target) => this.drop(item, target));
    for (const list of [pool, ranking]) {
      list.addEventListener("click", (event) => this.click(event));
      list.addEventListener("keydown", (event) => this.key(event));
      list.addEventListener("focusin", (event) => this.rove(event.target.closest(".card")));
    }
  }

  // The ranking as groups of ids, and the number of pieces still to rank.
  get value() { return this.ranking.groups; }
  get left() { return this.ranking.pool.length; }

  show(items, groups) {
    this.drag.end();
    this.pictures.forget([...this.cards.values()].map((card) => card.querySelector("img")));
    const ranking = new Ranking(items, groups);
    this.ranking = ranking;
    this.letter = new Map(ranking.items.map((item, i) => [item, letters(i)]));
    this.cards = new Map(ranking.items.map((item) => [item, this.makeCard(item)]));
    this.render();
  }

  // Take over a ranking from another tab. Returns whether it differs.
  update(groups) {
    if (JSON.stringify(groups) === JSON.stringify(this.value)) return false;
    this.show(this.ranking.items, groups);
    return true;
  }

  nudge() {
    this.say(`Still to rank: ${this.left}`);
    const zone = this.lists.pool.closest(".zone");
    zone.classList.remove("nudge");
    void zone.offsetWidth;
    zone.classList.add("nudge");
    this.focus(this.ranking.pool[0]);
  }

  // The width, in CSS pixels, in which a piece has to fit.
  get room() { return this.lists.ranking.parentElement.clientWidth - 4; }

  makeCard(item) {
    const card = document.createElement("li");
    card.className = "card";
    card.dataset.item = item;
    const pick = button("pick", "");
    const image = document.createElement("img");
    this.pictures.show(image, item);
    image.alt = "";
    image.draggable = false;
    const badge = document.createElement("span");
    badge.className = "badge";
    badge.setAttribute("aria-hidden", "true");
    pick.append(badge, image);
    const tools = document.createElement("div");
    tools.className = "tools";
    tools.append(button("better", "‹"), button("worse", "›"));
    if (this.ties) tools.append(button("tie", "="));
    tools.append(button("take", "×"));
    card.append(pick, tools);
    return card;
  }

  render() {
    const { ranking } = this;
    for (const [list, items] of [[this.lists.ranking, ranking.ranked], [this.lists.pool, ranking.pool]]) {
      const cards = items.map((item) => this.cards.get(item));
      if (cards.some((card, i) => list.children[i] !== card) || list.children.length !== cards.length) {
        list.replaceChildren(...cards);
      }
    }
    for (const [item, card] of this.cards) this.dress(item, card);
    for (const list of Object.values(this.lists)) {
      if (![...list.children].some((card) => card.querySelector(".pick").tabIndex === 0)) this.rove(list.children[0]);
    }
  }

  dress(item, card) {
    const rank = this.ranking.rankOf(item);
    const name = `piece ${this.letter.get(item)}`;
    const inRanking = rank !== null;
    card.classList.toggle("tied", this.ranking.tiedWithPrevious(item));
    card.querySelector(".badge").textContent = inRanking ? rank : this.letter.get(item);
    card.querySelector(".tools").hidden = !inRanking;
    const pick = card.querySelector(".pick");
    pick.setAttribute("aria-label", inRanking ? `Rank ${rank}: ${name}` : `Give rank ${this.ranking.ranked.length + 1} to ${name}`);
    const order = this.ranking.ranked;
    const labels = { better: `${name}: one rank better`, worse: `${name}: one rank worse`, take: `${name}: take back`, tie: `${name}: same rank as the piece before` };
    for (const tool of card.querySelectorAll(".tools button")) {
      tool.setAttribute("aria-label", labels[tool.dataset.does]);
      if (tool.dataset.does === "tie") tool.setAttribute("aria-pressed", String(this.ranking.tiedWithPrevious(item)));
    }
    disable(card, "better", order[0] === item);
    disable(card, "worse", order.at(-1) === item);
    if (this.ties) disable(card, "tie", order[0] === item);
  }

  // Each list has one tab stop: the card with the last focus, with its buttons (roving tabindex).
  rove(card) {
    if (!card) return;
    for (const other of card.parentElement.children) {
      for (const control of other.querySelectorAll("button")) control.tabIndex = other === card ? 0 : -1;
    }
  }

  focus(item) {
    const card = this.cards.get(item);
    this.rove(card);
    card.querySelector(".pick").focus();
  }

  focusFirst() {
    const first = this.ranking.pool[0] ?? this.ranking.ranked[0];
    if (first) this.focus(first);
  }

  tell(item) {
    this.render();
    const rank = this.ranking.rankOf(item);
    const name = `Piece ${this.letter.get(item)}`;
    this.say(rank === null ? `${name} taken back` : `${name}: rank ${rank} of ${this.ranking.items.length}`);
    this.changed();
  }

  click(event) {
    const control = event.target.closest("button");
    if (!control || this.drag.justDropped) return;
    const item = control.closest(".card").dataset.item;
    const does = control.dataset.does;
    if (does === "pick") { if (this.ranking.rankOf(item) === null) this.rankNext(item); }
    else this.act(does, item);
  }

  drop(item, target) {
    if (target === "pool") this.ranking.take(item);
    else this.ranking.place(item, target);
    this.tell(item);
  }

  rankNext(item) {
    const at = this.ranking.pool.indexOf(item);
    this.ranking.append(item);
    this.tell(item);
    this.focusPool(at);
  }

  // After a piece has left the pool, focus the piece at its place, or the button "Next".
  focusPool(at) {
    const pool = this.ranking.pool;
    if (pool.length) this.focus(pool[Math.min(at, pool.length - 1)]);
    else document.getElementById("next").focus();
  }

  act(does, item) {
    const { ranking } = this;
    const before = ranking.ranked;
    if (does === "better") ranking.move(item, -1);
    else if (does === "worse") ranking.move(item, 1);
    else if (does === "tie") ranking.toggleTie(item);
    else if (does === "take") ranking.take(item);
    this.tell(item);
    if (does === "take") {
      const rest = ranking.ranked;
      this.focus(rest[Math.min(before.indexOf(item), rest.length - 1)] ?? item);
      return;
    }
    // A disabled button would lose the focus.
    const tool = this.cards.get(item).querySelector(`[data-does="${does}"]`);
    if (tool.disabled || !tool.isConnected) this.focus(item);
    else { this.rove(tool.closest(".card")); tool.focus(); }
  }

  key(event) {
    const card = event.target.closest(".card");
    if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
    const item = card.dataset.item;
    const { ranking } = this;
    const inRanking = ranking.rankOf(item) !== null;
    const list = inRanking ? ranking.ranked : ranking.pool;
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (step && event.shiftKey) {
      if (!inRanking) return;
      ranking.move(item, step);
      this.tell(item);
      this.focus(item);
    } else if (step) {
      this.focus(list[Math.min(Math.max(list.indexOf(item) + step, 0), list.length - 1)]);
    } else if (event.key === "Home" || event.key === "End") {
      this.focus(event.key === "Home" ? list[0] : list.at(-1));
    } else if (/^[1-9]$/.test(event.key)) {
      const at = ranking.pool.indexOf(item);
      ranking.place(item, Math.min(Number(event.key) - 1, ranking.ranked.length));
      this.tell(item);
      if (inRanking) this.focus(item); else this.focusPool(at);
    } else if (inRanking && (event.key === "Delete" || event.key === "Backspace")) {
      this.act("take", item);
    } else if (inRanking && this.ties && event.key === "=") {
      ranking.toggleTie(item);
      this.tell(item);
    } else return;
    event.preventDefault();
  }
}

function button(does, text) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = does;
  made.dataset.does = does;
  made.textContent = text;
  made.tabIndex = -1;
  return made;
}

function disable(card, does, off) {
  card.querySelector(`[data-does="${does}"]`).disabled = off;
}

// 0 -> A, 25 -> Z, 26 -> AA
function letters(index) {
  const rest = Math.floor(index / 26);
  return (rest ? letters(rest - 1) : "") + String.fromCharCode(65 + (index % 26));
}
