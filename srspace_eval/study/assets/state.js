"use strict";
// The rater's progress: data only, stored in the browser. It does not use the page.

const ANSWER_FORMAT = "srspace-eval/answer/1";

// 16 bits of a token (FNV-1a), as study/page.py computes them.
function tokenCheck(token) {
  let value = 0x811c9dc5;
  for (const letter of token) value = Math.imul(value ^ letter.charCodeAt(0), 0x01000193) >>> 0;
  return (value ^ (value >>> 16)) & 0xffff;
}

// "r01-abc…" -> {rater, token}, or null if it is not a code of this study.
function readCode(text, study) {
  const found = /^(r\d+)-([a-z2-7]{20})$/.exec(text.trim().toLowerCase());
  if (!found || !Object.hasOwn(study.raters, found[1])) return null;
  return tokenCheck(found[2]) === study.raters[found[1]].check ? { rater: found[1], token: found[2] } : null;
}

// A ranking is a list of groups of ids, best first. A group of several ids is a tie.
class Ranking {
  constructor(items, groups = []) {
    this.items = items;
    this.groups = groups.map((group) => [...group]);
  }

  get ranked() { return this.groups.flat(); }
  get pool() { const ranked = new Set(this.ranked); return this.items.filter((item) => !ranked.has(item)); }
  get complete() { return this.pool.length === 0; }

  // Put an item at an index in the order of single items. Items that were tied with it keep their places.
  place(item, index) {
    const rest = this.groups.map((group) => group.filter((other) => other !== item)).filter((group) => group.length);
    let before = 0;
    let at = 0;
    while (at < rest.length && before + rest[at].length <= index) before += rest[at++].length;
    // An item that is put inside a tie joins the tie.
    if (at < rest.length && before < index) rest[at].splice(index - before, 0, item);
    else rest.splice(at, 0, [item]);
    this.groups = rest;
  }

  append(item) { this.place(item, this.ranked.filter((other) => other !== item).length); }

  take(item) {
    this.groups = this.groups.map((group) => group.filter((other) => other !== item)).filter((group) => group.length);
  }

  move(item, by) {
    const order = this.ranked;
    const from = order.indexOf(item);
    const to = Math.min(Math.max(from + by, 0), order.length - 1);
    if (to !== from) this.place(item, to);
    return to !== from;
  }

  tiedWithPrevious(item) {
    return this.groups.some((group) => group.indexOf(item) > 0);
  }

  // Tie the item with the one before it, or end this tie.
  toggleTie(item) {
    const at = this.groups.findIndex((group) => group.includes(item));
    if (at < 0) return false;
    const within = this.groups[at].indexOf(item);
    if (within > 0) this.groups.splice(at, 1, this.groups[at].slice(0, within), this.groups[at].slice(within));
    else if (at > 0) this.groups.splice(at - 1, 2, [...this.groups[at - 1], ...this.groups[at]]);
    else return false;
    return true;
  }

  // The displayed rank: 1 + the number of items before its group.
  rankOf(item) {
    let before = 0;
    for (const group of this.groups) {
      if (group.includes(item)) return before + 1;
      before += group.length;
    }
    return null;
  }
}

// What an answer to a task is: groups of ids (a ranking), or a grade (a rating).
const ANSWERS = {
  rank: {
    field: "ranking",
    empty: () => [],
    valid: (value, items, study) => {
      if (!Array.isArray(value) || !value.every((group) => Array.isArray(group) && group.length)) return false;
      if (!study.ties && value.some((group) => group.length > 1)) return false;
      const flat = value.flat();
      return new Set(flat).size === flat.length && flat.every((item) => items.includes(item));
    },
    complete: (value, items) => value.flat().length === items.length,
  },
  rate: {
    field: "rating",
    empty: () => null,
    valid: (value, _items, study) => value === null || study.grades.some(([grade]) => grade === value),
    complete: (value) => value !== null,
  },
};
// What the server takes at most.
const MOST_SCREENS = 20;
const MOST_SECONDS = 1000000;
const MOST_REVISIONS = 1000000;

// A number between two others; what is no number becomes the first.
function within(value, least, most) {
  return Number.isFinite(value) ? Math.min(Math.max(value, least), most) : least;
}

function isScreen(screen) {
  const whole = (value, most) => Number.isInteger(value) && value >= 1 && value <= most;
  const sizes = screen && whole(screen.width, 100000) && whole(screen.height, 100000) && whole(screen.scale, 10000);
  return Boolean(sizes && screen.ratio > 0 && screen.ratio <= 1000 && Object.keys(screen).length === 4);
}

class Progress {
  constructor(study, code) {
    this.study = study;
    this.code = code;
    this.key = `srspace-eval/${study.study}/${code.rater}`;
    this.list = study.raters[code.rater].tasks;
    this.stored = true; // whether the last write, or the reading at the start, went well
    this.base = 0; // version of what this tab last read or wrote
    this.unstored = new Set(); // tasks that changed since then
    this.kind = ANSWERS[study.task];
    // version: the number of writes. revision and id: of the answer. issued: this revision was sent or saved.
    this.data = {
      version: 0, revision: 1, id: null, issued: false,
      at: 0, started: null, finished: null, sent: false, screens: [], tasks: {},
    };
    try {
      const text = localStorage.getItem(this.key);
      if (text) this.data = this.checked(JSON.parse(text));
      this.base = this.data.version;
    } catch { this.stored = false; }
  }

  // Take over what another tab has stored. Every change starts with this, so the stored data has all earlier changes.
  // While this tab cannot write, another tab may: of this tab, the tasks that the other has not finished are kept.
  sync() {
    try {
      const text = localStorage.getItem(this.key);
      const other = text ? this.checked(JSON.parse(text)) : null;
      if (other && other.version > this.base) this.take(other);
    } catch { /* The storage was cleared or damaged. The next write replaces it. */ }
  }

  take(other) {
    const mine = this.data;
    this.data = { ...other, at: mine.at };
    this.base = other.version;
    // Two different answers must not have the same revision.
    if (mine.issued && mine.id !== other.id && mine.revision >= other.revision) {
      Object.assign(this.data, { revision: mine.revision + 1, issued: false, sent: false });
    }
    for (const name of this.unstored) {
      if (other.tasks[name]?.done) continue;
      this.data.tasks[name] = mine.tasks[name];
      this.revise();
    }
  }

  update(values) {
    this.sync();
    Object.assign(this.data, values);
    this.save();
  }

  // All pages of an address share the storage, so its content must be checked.
  checked(data) {
    const { field } = this.kind;
    const tasks = {};
    for (const [name] of this.list) {
      const saved = data.tasks?.[name];
      if (!saved || saved[field] === undefined) continue;
      if (!this.kind.valid(saved[field], this.study.tasks[name].items, this.study)) continue;
      tasks[name] = { [field]: saved[field], seconds: within(saved.seconds, 0, MOST_SECONDS), done: Boolean(saved.done) };
    }
    const time = (text) => (typeof text === "string" && text.length <= 40 ? text : null);
    return {
      version: Math.max(data.version | 0, 0),
      revision: Math.min(Math.max(data.revision | 0, 1), MOST_REVISIONS),
      id: data.id ?? null,
      issued: Boolean(data.issued) && /^[0-9a-f]{32}$/.test(data.id),
      at: Math.min(Math.max(data.at | 0, 0), this.list.length - 1),
      started: time(data.started),
      finished: time(data.finished),
      sent: Boolean(data.sent),
      screens: (Array.isArray(data.screens) ? data.screens : []).filter(isScreen).slice(0, MOST_SCREENS),
      tasks,
    };
  }

  save() {
    this.data.version += 1;
    try {
      localStorage.setItem(this.key, JSON.stringify(this.data));
      this.stored = true;
      this.base = this.data.version;
      this.unstored.clear();
    } catch { this.stored = false; }
  }

  name(index) { return this.list[index][0]; }
  // The items of a task, in the order in which this rater sees them.
  items(index) {
    const [name, order] = this.list[index];
    return order.map((i) => this.study.tasks[name].items[i]);
  }

  // The stored ranking or rating of a task.
  value(index) { return this.data.tasks[this.name(index)]?.[this.kind.field] ?? this.kind.empty(); }

  // value undefined: only time has passed. screen: on which the task is done.
  // done undefined: it stays as it is.
  record(index, value, seconds, screen, done) {
    this.sync();
    const { field } = this.kind;
    const saved = this.data.tasks[this.name(index)];
    const before = this.value(index);
    const now = {
      [field]: value === undefined ? before : JSON.parse(JSON.stringify(value)),
      seconds: within((saved?.seconds ?? 0) + seconds, 0, MOST_SECONDS),
      done: done ?? saved?.done ?? false,
    };
    const text = JSON.stringify(screen);
    if (done && this.data.screens.length < MOST_SCREENS && !this.data.screens.some((seen) => JSON.stringify(seen) === text)) {
      this.data.screens.push(screen);
    }
    if (now.done !== (saved?.done ?? false) || JSON.stringify(now[field]) !== JSON.stringify(before)) this.revise();
    this.data.tasks[this.name(index)] = now;
    this.unstored.add(this.name(index));
    this.save();
  }

  // A change after the answer was sent or saved makes a new revision.
  revise() {
    if (this.data.issued) this.data.revision += 1;
    this.data.issued = false;
    this.data.sent = false;
  }

  isDone(index) {
    const saved = this.data.tasks[this.name(index)];
    return Boolean(saved?.done) && this.kind.complete(this.value(index), this.study.tasks[this.name(index)].items);
  }

  get done() { return this.list.filter((_, index) => this.isDone(index)).length; }
  get complete() { return this.done === this.list.length; }
  firstOpen() { const open = this.list.findIndex((_, index) => !this.isDone(index)); return open < 0 ? this.list.length : open; }

  minutesLeft() {
    const times = this.list.filter((_, i) => this.isDone(i)).map(([name]) => this.data.tasks[name].seconds);
    const expected = this.study.raters[this.code.rater].minutes / this.list.length;
    const each = times.length < 3 ? expected : times.reduce((a, b) => a + b) / times.length / 60;
    return Math.max(1, Math.round(each * (this.list.length - times.length)));
  }

  // The document that is sent or saved. It has the finished tasks only.
  issue() {
    this.sync();
    if (!this.data.issued) {
      const bytes = crypto.getRandomValues(new Uint8Array(16));
      this.data.id = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      this.data.issued = true;
    }
    this.save();
    return this.answer();
  }

  // The server has stored this answer. A change since then is not sent.
  confirm(answer) {
    this.sync();
    if (this.data.issued && this.data.id === answer.id) this.data.sent = true;
    this.save();
  }

  // Make the revision later than one that the server has of another answer. Returns false where none is later.
  follow(latest) {
    this.sync();
    if (!Number.isInteger(latest) || latest >= MOST_REVISIONS) return false;
    if (latest < this.data.revision) return true;
    Object.assign(this.data, { revision: latest + 1, issued: false, sent: false });
    this.save();
    return true;
  }

  answer() {
    const answers = this.list.map((_, index) => index).filter((index) => this.isDone(index)).map((index) => {
      const saved = this.data.tasks[this.name(index)];
      return { task: this.name(index), [this.kind.field]: this.value(index), seconds: Math.round(saved.seconds * 10) / 10 };
    });
    return {
      format: ANSWER_FORMAT,
      study: this.study.study,
      rater: this.code.rater,
      token: this.code.token,
      started: this.data.started,
      finished: this.data.finished,
      answers,
      id: this.data.id,
      revision: this.data.revision,
      screens: this.data.screens,
    };
  }
}
