"use strict";
// What a rater has done so far: pure data, kept in the browser's storage. Knows nothing of the page.

const ANSWER_FORMAT = "srspace-eval/answer/1";

// 16 bits of a token (FNV-1a), as study/page.py computes them.
function tokenCheck(token) {
  let value = 0x811c9dc5;
  for (const letter of token) value = Math.imul(value ^ letter.charCodeAt(0), 0x01000193) >>> 0;
  return (value ^ (value >>> 16)) & 0xffff;
}

// "r01-abc…" -> {rater, token}, or null if it is no code of this study.
function readCode(text, study) {
  const found = /^(r\d+)-([a-z2-7]{20})$/.exec(text.trim().toLowerCase());
  if (!found || !Object.hasOwn(study.raters, found[1])) return null;
  return tokenCheck(found[2]) === study.raters[found[1]].check ? { rater: found[1], token: found[2] } : null;
}

// A ranking is a list of groups of ids, best first; a group of several is a tie.
class Ranking {
  constructor(items, groups = []) {
    this.items = items;
    this.groups = groups.map((group) => [...group]);
  }

  get ranked() { return this.groups.flat(); }
  get pool() { const ranked = new Set(this.ranked); return this.items.filter((item) => !ranked.has(item)); }
  get complete() { return this.pool.length === 0; }

  // Put an item at a place in the order of single items; whatever it was tied with stays where it was.
  place(item, index) {
    const rest = this.groups.map((group) => group.filter((other) => other !== item)).filter((group) => group.length);
    let before = 0;
    let at = 0;
    while (at < rest.length && before + rest[at].length <= index) before += rest[at++].length;
    // Dropped inside a tie, it joins the tie.
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

  // Tie with the item before, or end the tie before this item.
  toggleTie(item) {
    const at = this.groups.findIndex((group) => group.includes(item));
    if (at < 0) return false;
    const within = this.groups[at].indexOf(item);
    if (within > 0) this.groups.splice(at, 1, this.groups[at].slice(0, within), this.groups[at].slice(within));
    else if (at > 0) this.groups.splice(at - 1, 2, [...this.groups[at - 1], ...this.groups[at]]);
    else return false;
    return true;
  }

  // The rank that is shown: 1 + the number of items before its group.
  rankOf(item) {
    let before = 0;
    for (const group of this.groups) {
      if (group.includes(item)) return before + 1;
      before += group.length;
    }
    return null;
  }
}

class Progress {
  constructor(study, code) {
    this.study = study;
    this.code = code;
    this.key = `srspace-eval/${study.study}/${code.rater}`;
    this.list = study.raters[code.rater].tasks;
    this.kept = true;
    this.data = { at: 0, started: null, finished: null, sent: false, zoom: 0, tasks: {} };
    try {
      const text = localStorage.getItem(this.key);
      if (text) this.data = this.checked(JSON.parse(text));
    } catch { this.kept = false; }
  }

  // Storage is shared by all pages of an address: nothing in it is taken on trust.
  checked(data) {
    const tasks = {};
    for (const [name] of this.list) {
      const saved = data.tasks?.[name];
      if (!saved) continue;
      const items = this.study.tasks[name].items;
      const flat = saved.ranking.flat();
      if (new Set(flat).size === flat.length && flat.every((item) => items.includes(item))) tasks[name] = saved;
    }
    return { ...this.data, ...data, tasks, at: Math.min(Math.max(data.at | 0, 0), this.list.length) };
  }

  save() {
    try {
      localStorage.setItem(this.key, JSON.stringify(this.data));
    } catch { this.kept = false; }
  }

  name(index) { return this.list[index][0]; }
  // The items of a task, in the order in which this rater sees them.
  items(index) {
    const [name, order] = this.list[index];
    return order.map((i) => this.study.tasks[name].items[i]);
  }

  ranking(index) { return new Ranking(this.items(index), this.data.tasks[this.name(index)]?.ranking ?? []); }

  record(index, ranking, seconds) {
    const saved = this.data.tasks[this.name(index)];
    this.data.tasks[this.name(index)] = {
      ranking: ranking.groups,
      seconds: (saved?.seconds ?? 0) + seconds,
      done: saved?.done ?? false,
    };
    this.save();
  }

  finishTask(index) {
    this.data.tasks[this.name(index)].done = true;
    this.save();
  }

  isDone(index) {
    const saved = this.data.tasks[this.name(index)];
    return Boolean(saved?.done) && saved.ranking.flat().length === this.study.tasks[this.name(index)].items.length;
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

  // What is sent or saved: the finished tasks alone.
  answer() {
    const answers = this.list.map((_, index) => index).filter((index) => this.isDone(index)).map((index) => {
      const saved = this.data.tasks[this.name(index)];
      return { task: this.name(index), ranking: saved.ranking, seconds: Math.round(saved.seconds * 10) / 10 };
    });
    return {
      format: ANSWER_FORMAT,
      study: this.study.study,
      rater: this.code.rater,
      token: this.code.token,
      started: this.data.started,
      finished: this.data.finished,
      answers,
    };
  }
}
