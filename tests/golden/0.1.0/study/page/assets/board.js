"use strict";
// The two lists of a task, by pointer, touch and keyboard.

const DRAG_STEP = 6; // px that a mouse moves before a press is a drag
const LONG_PRESS = 220; // ms that a finger rests before it drags instead of scrolling

class Board {
  // ties: may crops share a rank; changed(ranking): called after every change; say(text): speak to screen readers.
  constructor({ pool, ranking, ties, changed, say }) {
    this.lists = { pool, ranking };
    this.ties = ties;
    this.changed = changed;
    this.say = say;
    this.drag = null;
    for (const list of [pool, ranking]) {
      list.addEventListener("pointerdown", (event) => this.press(event));
      list.addEventListener("click", (event) => this.click(event));
      list.addEventListener("keydown", (event) => this.key(event));
      list.addEventListener("contextmenu", (event) => event.preventDefault());
      list.addEventListener("focusin", (event) => this.rove(event.target.closest(".card")));
      // Only a listener that may refuse can keep the page from scrolling below a dragging finger.
      list.addEventListener("touchmove", (event) => { if (this.drag?.ghost) event.preventDefault(); }, { passive: false });
    }
    addEventListener("pointermove", (event) => this.pointerMove(event));
    addEventListener("pointerup", (event) => this.release(event));
    addEventListener("pointercancel", (event) => { if (event.pointerId === this.drag?.pointer) this.endDrag(); });
    addEventListener("keydown", (event) => { if (event.key === "Escape") this.endDrag(); });
  }

  show(ranking) {
    this.endDrag();
    this.ranking = ranking;
    this.letter = new Map(ranking.items.map((item, i) => [item, letters(i)]));
    this.cards = new Map(ranking.items.map((item) => [item, this.makeCard(item)]));
    this.render();
  }

  makeCard(item) {
    const card = document.createElement("li");
    card.className = "card";
    card.dataset.item = item;
    const pick = button("pick", "");
    const image = document.createElement("img");
    image.src = `images/${item}.png`;
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

  // One tab stop in each list: the card that was focused last, with its tools.
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

  update(item) {
    this.render();
    const rank = this.ranking.rankOf(item);
    const name = `Piece ${this.letter.get(item)}`;
    this.say(rank === null ? `${name} taken back` : `${name}: rank ${rank} of ${this.ranking.items.length}`);
    this.changed(this.ranking);
  }

  click(event) {
    const control = event.target.closest("button");
    if (!control || this.justDragged) return;
    const item = control.closest(".card").dataset.item;
    const does = control.dataset.does;
    if (does === "pick") { if (this.ranking.rankOf(item) === null) this.rankNext(item); }
    else this.act(does, item);
  }

  rankNext(item) {
    const at = this.ranking.pool.indexOf(item);
    this.ranking.append(item);
    this.update(item);
    this.focusPool(at);
  }

  // After a piece has left the pool, the one that stands in its place, or the button that goes on.
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
    this.update(item);
    if (does === "take") {
      const rest = ranking.ranked;
      this.focus(rest[Math.min(before.indexOf(item), rest.length - 1)] ?? item);
      return;
    }
    // A button that has just been disabled would drop the focus.
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
      this.update(item);
      this.focus(item);
    } else if (step) {
      this.focus(list[Math.min(Math.max(list.indexOf(item) + step, 0), list.length - 1)]);
    } else if (event.key === "Home" || event.key === "End") {
      this.focus(event.key === "Home" ? list[0] : list.at(-1));
    } else if (/^[1-9]$/.test(event.key)) {
      const at = ranking.pool.indexOf(item);
      ranking.place(item, Math.min(Number(event.key) - 1, ranking.ranked.length));
      this.update(item);
      if (inRanking) this.focus(item); else this.focusPool(at);
    } else if (inRanking && (event.key === "Delete" || event.key === "Backspace")) {
      this.act("take", item);
    } else if (inRanking && this.ties && event.key === "=") {
      ranking.toggleTie(item);
      this.update(item);
    } else return;
    event.preventDefault();
  }

  press(event) {
    const pick = event.target.closest(".pick");
    if (!pick || this.drag || !event.isPrimary || event.button !== 0) return;
    const card = pick.closest(".card");
    const drag = { card, pointer: event.pointerId, x: event.clientX, y: event.clientY, ghost: null, timer: 0 };
    this.drag = drag;
    if (event.pointerType !== "mouse") {
      // An implicit capture would keep a finger's events on the card it pressed.
      if (pick.hasPointerCapture?.(event.pointerId)) pick.releasePointerCapture(event.pointerId);
      drag.timer = setTimeout(() => { if (this.drag === drag) this.startDrag(); }, LONG_PRESS);
    }
  }

  pointerMove(event) {
    const { drag } = this;
    if (!drag || event.pointerId !== drag.pointer) return;
    const moved = Math.hypot(event.clientX - drag.x, event.clientY - drag.y);
    if (!drag.ghost) {
      if (moved < DRAG_STEP) return;
      // A finger that moves before it has rested scrolls the page.
      if (event.pointerType === "touch") return this.endDrag();
      this.startDrag();
    }
    const box = drag.box;
    drag.ghost.style.transform = `translate(${event.clientX - drag.x + box.left}px, ${event.clientY - drag.y + box.top}px)`;
    if (event.clientY < 48) scrollBy(0, -12);
    else if (event.clientY > innerHeight - 48) scrollBy(0, 12);
    this.preview(event.clientX, event.clientY);
  }

  startDrag() {
    const { drag } = this;
    const picture = drag.card.querySelector("img");
    drag.box = picture.getBoundingClientRect();
    drag.ghost = picture.cloneNode();
    drag.ghost.className = "ghost";
    drag.ghost.style.transform = `translate(${drag.box.left}px, ${drag.box.top}px)`;
    document.body.append(drag.ghost);
    drag.card.classList.add("dragged");
    document.body.classList.add("dragging");
  }

  // Where the piece would go if it were dropped now: the mark in the ranking, or nothing over the pool.
  preview(x, y) {
    const { drag } = this;
    this.unmark();
    const inside = (list) => { const box = list.closest(".zone").getBoundingClientRect(); return y >= box.top && y <= box.bottom; };
    if (!inside(this.lists.ranking)) {
      drag.index = inside(this.lists.pool) ? "pool" : null;
      return;
    }
    const others = [...this.lists.ranking.children].filter((card) => card !== drag.card);
    // Reading order: behind every card whose row lies above, or in whose row it lies left of the pointer.
    drag.index = others.filter((card) => {
      const box = card.getBoundingClientRect();
      return y > box.bottom || (y >= box.top && x > (box.left + box.right) / 2);
    }).length;
    const mark = others[drag.index] ?? others.at(-1);
    if (mark) mark.classList.add(drag.index < others.length ? "mark-before" : "mark-after");
    this.lists.ranking.classList.add("target");
  }

  unmark() {
    this.lists.ranking.classList.remove("target");
    for (const card of this.lists.ranking.children) card.classList.remove("mark-before", "mark-after");
  }

  release(event) {
    const { drag } = this;
    if (!drag || event.pointerId !== drag.pointer) return;
    if (drag.ghost) {
      this.preview(event.clientX, event.clientY);
      const item = drag.card.dataset.item;
      const index = drag.index;
      this.justDragged = true;
      setTimeout(() => { this.justDragged = false; });
      this.endDrag();
      if (typeof index === "number") this.ranking.place(item, index);
      else if (index === "pool") this.ranking.take(item);
      if (index !== null && index !== undefined) this.update(item);
    }
    this.endDrag();
  }

  endDrag() {
    const { drag } = this;
    if (!drag) return;
    clearTimeout(drag.timer);
    drag.ghost?.remove();
    drag.card.classList.remove("dragged");
    document.body.classList.remove("dragging");
    this.unmark();
    this.drag = null;
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
