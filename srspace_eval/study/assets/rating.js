"use strict";
// One picture and its grades. A number key, a click or a tap gives a grade; Enter goes on.

class Board {
  // changed(): called after every change. next(): called by Enter. say(text): for screen readers.
  constructor({ changed, next, say, pictures }) {
    this.picture = document.getElementById("picture");
    this.reference = document.getElementById("reference");
    this.inputs = [...document.querySelectorAll("#grades input")];
    this.changed = changed;
    this.next = next;
    this.say = say;
    this.pictures = pictures;
    this.grade = null;
    for (const input of this.inputs) input.addEventListener("change", () => this.rate(Number(input.value)));
    document.addEventListener("keydown", (event) => this.key(event));
  }

  get value() { return this.grade; }
  get left() { return this.grade === null ? 1 : 0; }

  show(items, grade, reference) {
    this.grade = grade;
    this.check();
    this.load(this.picture, items[0]);
    if (this.reference && reference) this.load(this.reference, reference.id);
  }

  // The picture before stays hidden until the new one is there.
  load(image, name) {
    image.classList.add("loading");
    this.pictures.show(image, name, () => image.classList.remove("loading"));
  }

  update(grade) {
    if (grade === this.grade) return false;
    this.grade = grade;
    this.check();
    return true;
  }

  check() {
    for (const input of this.inputs) input.checked = Number(input.value) === this.grade;
  }

  rate(grade) {
    if (!this.pictures.ready) { this.check(); return; }
    this.grade = grade;
    this.check();
    this.say(`Rated ${grade}`);
    this.changed();
  }

  key(event) {
    if (document.getElementById("screen-task").hidden || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (/^[0-9]$/.test(event.key)) {
      const input = this.inputs.find((other) => other.value === event.key);
      if (!input) return;
      this.rate(Number(event.key));
      input.focus({ preventScroll: true });
    } else if (event.key === "Enter" && !event.target.closest("button, a")) this.next();
    else return;
    event.preventDefault();
  }

  // Not a grade: a mark around one grade would suggest it.
  focusFirst() { document.getElementById("task-heading").focus({ preventScroll: true }); }

  nudge() {
    this.say("Rate the picture first");
    const grades = document.getElementById("grades");
    grades.classList.remove("nudge");
    void grades.offsetWidth;
    grades.classList.add("nudge");
  }

  // The width, in CSS pixels, in which a picture has to fit.
  get room() { return document.getElementById("stage").clientWidth; }
}
