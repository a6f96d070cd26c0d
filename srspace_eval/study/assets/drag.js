"use strict";
// Dragging a card with a mouse, a pen or a finger.

const DRAG_STEP = 6; // px that the pointer moves before a press becomes a drag
const LONG_PRESS = 220; // ms after which a resting finger drags instead of scrolling

class CardDrag {
  // drop(item, target): called after a drop; target is an index in the ranking, or "pool".
  constructor({ pool, ranking }, drop) {
    this.lists = { pool, ranking };
    this.drop = drop;
    this.drag = null;
    this.justDropped = false; // true until the click event after a drop is over
    for (const list of [pool, ranking]) {
      list.addEventListener("pointerdown", (event) => this.press(event));
      list.addEventListener("contextmenu", (event) => event.preventDefault());
      // Only a listener that is not passive can keep the page from scrolling under a dragging finger.
      list.addEventListener("touchmove", (event) => { if (this.drag?.ghost) event.preventDefault(); }, { passive: false });
    }
    addEventListener("pointermove", (event) => this.move(event));
    addEventListener("pointerup", (event) => this.release(event));
    addEventListener("pointercancel", (event) => { if (event.pointerId === this.drag?.pointer) this.end(); });
    addEventListener("keydown", (event) => { if (event.key === "Escape") this.end(); });
  }

  press(event) {
    const pick = event.target.closest(".pick");
    if (!pick || this.drag || !event.isPrimary || event.button !== 0) return;
    const card = pick.closest(".card");
    const drag = { card, pointer: event.pointerId, x: event.clientX, y: event.clientY, ghost: null, timer: 0 };
    this.drag = drag;
    if (event.pointerType !== "mouse") {
      // An implicit capture would send all events of the finger to the pressed card.
      if (pick.hasPointerCapture?.(event.pointerId)) pick.releasePointerCapture(event.pointerId);
      drag.timer = setTimeout(() => { if (this.drag === drag) this.start(); }, LONG_PRESS);
    }
  }

  move(event) {
    const { drag } = this;
    if (!drag || event.pointerId !== drag.pointer) return;
    const moved = Math.hypot(event.clientX - drag.x, event.clientY - drag.y);
    if (!drag.ghost) {
      if (moved < DRAG_STEP) return;
      // A finger that moves before the long press scrolls the page.
      if (event.pointerType === "touch") return this.end();
      this.start();
    }
    const box = drag.box;
    drag.ghost.style.transform = `translate(${event.clientX - drag.x + box.left}px, ${event.clientY - drag.y + box.top}px)`;
    if (event.clientY < 48) scrollBy(0, -12);
    else if (event.clientY > innerHeight - 48) scrollBy(0, 12);
    this.preview(event.clientX, event.clientY);
  }

  start() {
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

  // Find the target of a drop at this point, and mark it in the ranking.
  preview(x, y) {
    const { drag } = this;
    this.unmark();
    const inside = (list) => { const box = list.closest(".zone").getBoundingClientRect(); return y >= box.top && y <= box.bottom; };
    if (!inside(this.lists.ranking)) {
      drag.target = inside(this.lists.pool) ? "pool" : null;
      return;
    }
    const others = [...this.lists.ranking.children].filter((card) => card !== drag.card);
    // Reading order: after every card in a row above, and after every card of the same row left of the pointer.
    drag.target = others.filter((card) => {
      const box = card.getBoundingClientRect();
      return y > box.bottom || (y >= box.top && x > (box.left + box.right) / 2);
    }).length;
    const mark = others[drag.target] ?? others.at(-1);
    if (mark) mark.classList.add(drag.target < others.length ? "mark-before" : "mark-after");
    this.lists.ranking.classList.add("target");
  }

  unmark() {
    this.lists.ranking.classList.remove("target");
    for (const card of this.lists.ranking.children) card.classList.remove("mark-before", "mark-after");
  }

  release(event) {
    const { drag } = this;
    if (!drag || event.pointerId !== drag.pointer) return;
    if (drag.ghost) this.preview(event.clientX, event.clientY);
    this.end();
    if (!drag.ghost) return;
    this.justDropped = true;
    setTimeout(() => { this.justDropped = false; });
    if (drag.target !== null) this.drop(drag.card.dataset.item, drag.target);
  }

  end() {
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
