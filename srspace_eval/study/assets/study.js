"use strict";
// The screens: start, task, done.

(() => {
  const study = window.STUDY;
  const session = window.STUDY_SESSION;
  const ranking = study?.task !== "rate";
  const $ = (id) => document.getElementById(id);
  const tasksOf = (rater) => study.raters[rater].tasks;
  let progress = null;
  const opened = new Map(); // rater -> progress since the page was opened: the only copy where nothing can be stored
  let board = null;
  let entered = 0; // when the current task became visible
  let shown = ""; // the answer to the current task when it was shown
  let reviewing = false; // all tasks are done, and the rater goes through them again
  let sending = false;
  const REPLY_MS = 120000; // for a connection that is open and silent, as after a sleep of the computer

  function say(text) { $("said").textContent = text; }

  // Each kind of trouble has one text; without a text it is over.
  const troubles = new Map();
  function trouble(kind, text) {
    if (text) troubles.set(kind, text); else troubles.delete(kind);
    const all = [...troubles.values()].join(" ");
    if ($("trouble").textContent !== all) $("trouble").textContent = all;
    $("trouble").hidden = !all;
  }

  function tellStorage() {
    const lost = "This browser does not store your answers now; its storage may be full. Do not close or reload this page before your answers have arrived. Save them as a file, to be sure.";
    const start = "This browser does not store your progress. Do all tasks in one go, and do not reload the page.";
    trouble("storage", !progress || progress.stored ? "" : $("screen-start").hidden ? lost : start);
  }

  const pictures = new Pictures((ready, failed) => {
    $("screen-task").setAttribute("aria-busy", String(!ready));
    trouble("pictures", failed ? "A picture of this task has not loaded. The page asks for it again. If it does not appear, reload the page; if that does not help, tell the organiser." : "");
  });

  function screen(name) {
    for (const section of document.querySelectorAll(".screen")) section.hidden = section.id !== `screen-${name}`;
    $("progress").hidden = name === "start";
    $("actions").hidden = name !== "task";
    if (name !== "task") { reviewing = false; pictures.begin(); }
    $("end-review").hidden = !reviewing;
    $("save-so-far").hidden = reviewing;
    scrollTo(0, 0);
  }

  // ---- start

  function showStart() {
    progress = null;
    const text = session ? session.code : location.hash.slice(1);
    const code = readCode(text, study);
    screen("start");
    $("code-form").hidden = Boolean(code);
    $("begin").hidden = !code;
    $("facts").hidden = !code;
    if (!code) {
      if (text) $("code-fault").textContent = "The code in this link is not a code of this study. Check the link, or type the code.";
      return;
    }
    const first = !opened.has(code.rater);
    if (first) opened.set(code.rater, new Progress(study, code));
    progress = opened.get(code.rater);
    progress.code = code;
    progress.sync();
    // The reply to these answers was lost, and they have arrived.
    if (session?.latest && session.latest === progress.data.id && progress.data.issued) progress.update({ sent: true });
    // What could not be sent on an earlier visit, unless an answer of the same revision has arrived.
    const unsent = first && progress.complete && !progress.data.sent && progress.data.revision > (session?.revision ?? 0);
    const other = progress.complete && !progress.data.sent && progress.data.revision <= (session?.revision ?? 0);
    // An answer has arrived, from another browser or from this one, which may have forgotten it.
    if (session?.revision && !progress.data.issued) progress.follow(session.revision);
    const arrived = session?.revision && !progress.complete;
    if (other) trouble("arrived", "Answers to this study that you gave in another browser have arrived. Those in this browser have not. If you want them to count, go to your answers: this page then sends them, and they replace the others.");
    else trouble("arrived", arrived ? "Your answers to this study have arrived before. You need not do anything. If you do all tasks again, the new answers replace them." : "");
    const count = tasksOf(code.rater).length;
    const task = study.tasks[tasksOf(code.rater)[0][0]];
    const pieces = ranking ? task.items.length : task.reference ? 2 : 1;
    const minutes = progress.done ? progress.minutesLeft() : study.raters[code.rater].minutes;
    const time = minutes > 90 ? `${Math.round(minutes / 6) / 10} hours` : `${Math.max(minutes, 1)} min`;
    fact("tasks", progress.done ? `${progress.done} of ${count}` : count, progress.done ? "tasks done" : count === 1 ? "task" : "tasks");
    fact("pieces", pieces, ranking ? "pieces in each" : pieces > 1 ? "pictures in each" : "picture in each");
    fact("time", `≈ ${time}`, progress.done ? "left; take breaks as you like" : "in all; take breaks as you like");
    $("begin").textContent = progress.done ? (progress.complete ? "Go to your answers" : "Continue") : "Start";
    tellStorage();
    $("begin").focus({ preventScroll: true });
    if (session && unsent) send();
  }

  function fact(id, value, label) {
    let entry = $(`fact-${id}`);
    if (!entry) {
      entry = document.createElement("span");
      entry.id = `fact-${id}`;
      entry.append(document.createElement("strong"), " ", document.createElement("span"));
      $("facts").append(entry);
    }
    entry.firstChild.textContent = value;
    entry.lastChild.textContent = label;
  }

  function begin() {
    trouble("arrived", "");
    progress.sync();
    progress.update({ started: progress.data.started ?? new Date().toISOString() });
    if (progress.complete) finish();
    else showTask(progress.isDone(Math.min(progress.data.at, progress.list.length - 1)) ? progress.firstOpen() : progress.data.at);
  }

  // ---- task

  function showTask(index) {
    screen("task");
    progress.update({ at: index });
    entered = performance.now();
    const items = progress.items(index);
    pictures.begin();
    board.show(items, progress.value(index), study.tasks[progress.name(index)].reference);
    $("task-heading").textContent = `Task ${index + 1} of ${progress.list.length}`;
    shown = JSON.stringify(board.value);
    if (ranking) reference();
    layout();
    refresh();
    board.focusFirst();
    scrollTo(0, 0);
    say(`Task ${index + 1} of ${progress.list.length}${ranking ? `, ${items.length} pieces` : ""}`);
    preload(index + 1);
  }

  function refresh() {
    const index = progress.data.at;
    const { left } = board;
    $("progress-text").textContent = `Task ${index + 1} of ${progress.list.length}`;
    $("progress-time").textContent = `about ${progress.minutesLeft()} min left`;
    $("progress-bar").max = progress.list.length;
    $("progress-bar").value = progress.done;
    if (ranking) {
      $("pool-count").textContent = left ? `${left} left` : "";
      $("pool-zone").hidden = left === 0;
      $("ranking-hint").hidden = board.ranking.ranked.length > 0;
    }
    // The button stays in the tab order while something is left, because it then tells what is missing.
    $("next").setAttribute("aria-disabled", String(left > 0));
    $("next").textContent = index + 1 === progress.list.length ? "Finish" : "Next";
    $("back").disabled = index === 0;
    tellStorage();
  }

  // Seconds since the last call, if the page was visible.
  function spent() {
    const now = performance.now();
    const seconds = document.hidden ? 0 : (now - entered) / 1000;
    entered = now;
    return seconds;
  }

  // Only time has passed.
  function pass() { progress.record(progress.data.at, undefined, spent(), shownOn()); }

  // An answer that changed while pictures were missing must be confirmed with all of them.
  function keep() {
    progress.record(progress.data.at, board.value, spent(), shownOn(), pictures.ready ? undefined : false);
    refresh();
  }

  // Whether the task is finished. If not, the page tells what is missing.
  function finished() {
    const index = progress.data.at;
    if (board.left) {
      board.nudge();
      return false;
    }
    // An answer that was given with all pictures stays.
    if (!pictures.ready && !(progress.isDone(index) && JSON.stringify(board.value) === shown)) {
      say("The pictures of this task have not loaded yet");
      return false;
    }
    progress.record(index, board.value, spent(), shownOn(), true);
    return true;
  }

  function next() {
    const index = progress.data.at;
    if (!finished()) return;
    if (reviewing && index + 1 < progress.list.length) showTask(index + 1);
    else goOn(index);
  }

  // Show the next task that is not done: first behind the current one, then from the start. If all are done, finish.
  function goOn(index) {
    const open = progress.list.findIndex((_, i) => i > index && !progress.isDone(i));
    const target = open < 0 ? progress.firstOpen() : open;
    if (target < progress.list.length) showTask(target); else finish();
  }

  function preload(index) {
    if (index >= progress.list.length) return;
    const task = study.tasks[progress.name(index)];
    for (const name of [...task.items, task.reference?.id]) if (name) new Image().src = `images/${name}.png`;
  }

  // ---- sizes

  // How many of the screen's pixels show one pixel of a crop, in each direction: a whole number, so that no pixel is
  // larger than another. It is the study's number, times the density of the screen, unless the crop does not fit.
  function factor() {
    const ratio = window.devicePixelRatio || 1;
    const wanted = study.zoom * Math.max(1, Math.round(ratio));
    return Math.max(1, Math.min(wanted, Math.floor(board.room * ratio / study.size)));
  }

  function shownOn() {
    const { width, height } = window.screen;
    const ratio = Math.round((window.devicePixelRatio || 1) * 1000) / 1000;
    return { width: Math.max(1, Math.round(width)), height: Math.max(1, Math.round(height)), ratio, scale: factor() };
  }

  function layout() {
    if (!progress || $("screen-task").hidden) return;
    const ratio = window.devicePixelRatio || 1;
    const piece = study.size * factor();
    document.documentElement.style.setProperty("--piece", `${piece / ratio}px`);
    if (ranking) sizeReference(piece, ratio);
  }

  function reference() {
    const { id } = study.tasks[progress.name(progress.data.at)].reference;
    const both = [$("lr"), $("context")];
    for (const element of both) element.style.backgroundImage = "";
    pictures.show(new Image(), id, () => { for (const element of both) element.style.backgroundImage = `url("images/${id}.png")`; });
  }

  function sizeReference(piece, ratio) {
    const { width, height, x, y, side } = study.tasks[progress.name(progress.data.at)].reference;
    const place = (element, factor, left, top, w, h) => {
      const px = (n) => `${n * factor / ratio}px`;
      Object.assign(element.style, { width: px(w), height: px(h), backgroundSize: `${px(width)} ${px(height)}`, backgroundPosition: `${px(-left)} ${px(-top)}` });
    };
    const column = $("context").closest(".reference");
    const row = getComputedStyle(column).flexDirection === "row";
    const half = row ? (column.clientWidth - 18) / 2 : column.clientWidth;
    const large = Math.max(1, Math.min(piece / side, Math.floor(half * ratio / side)));
    place($("lr"), large, x, y, side, side);
    const beside = row ? side * large / ratio + 18 : 0;
    const room = Math.min(column.clientWidth - beside, 320);
    const factor = Math.max(1, Math.floor(room * ratio / width));
    place($("context"), factor, 0, 0, width, height);
    const px = (n) => `${n * factor / ratio}px`;
    Object.assign($("frame").style, { left: px(x), top: px(y), width: px(side), height: px(side) });
  }

  // ---- done

  // Only complete answers count, so nothing else is sent or called finished.
  function finish() {
    progress.sync();
    if (!progress.complete) { showTask(progress.firstOpen()); return; }
    if (!progress.data.issued) progress.update({ finished: new Date().toISOString() });
    showDone();
    if (session && !progress.data.sent && !sending) send();
  }

  function showDone() {
    screen("done");
    $("progress-text").textContent = `All ${progress.list.length} tasks done`;
    $("progress-time").textContent = "";
    $("progress-bar").max = progress.list.length;
    $("progress-bar").value = progress.done;
    $("send").hidden = !session || progress.data.sent || sending;
    $("save").className = session ? "plain" : "primary";
    $("done-text").textContent = session
      ? "This page sends your answers to the organiser, and tells you when they have arrived. You may also save a copy."
      : "Save your answers as a file and give it to the organiser. The file contains your code, your answers, the times of your work, and the size of your screen; nothing else.";
    $("send-state").textContent = !session ? "" : progress.data.sent ? "Your answers have arrived." : sending ? "Sending …" : "Your answers have not been sent yet.";
    tellStorage();
    $("done-heading").focus();
  }

  async function send() {
    progress.sync();
    if (!progress.complete) { if (!$("screen-done").hidden) finish(); return; }
    sending = true;
    $("send").hidden = true;
    $("send-state").textContent = "Sending …";
    const waiting = new AbortController();
    const timer = setTimeout(() => waiting.abort(new Error("the server has not replied")), REPLY_MS);
    try {
      const answer = progress.issue();
      const reply = await fetch(session.submit, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(answer),
        signal: waiting.signal,
      });
      const text = await reply.text();
      // 409: another browser has sent an answer of this revision or a later one. The page then makes this one later.
      const conflict = reply.status === 409;
      if (reply.status !== 201 && !conflict) throw new Error(`the server replied ${reply.status}: ${text.slice(0, 200)}`);
      // A proxy may send the reply to another request.
      const said = JSON.parse(text);
      if (said?.kept !== !conflict || said.id !== answer.id) throw new Error("the reply is not to these answers");
      if (conflict && !progress.follow(said.revision)) throw new Error("answers of the last possible revision have arrived before");
      if (!conflict) progress.confirm(answer);
      sending = false;
      if (conflict) { send(); return; }
      // A change since then is not sent.
      if (progress.data.sent) $("send-state").textContent = "Your answers have arrived. You may close this page.";
      else follow();
    } catch (error) {
      sending = false;
      $("send").hidden = false;
      $("send-state").textContent = `Your answers could not be sent (${error.message}). Try again, or save them as a file and give it to the organiser.`;
    } finally {
      clearTimeout(timer);
    }
  }

  function download() {
    const link = document.createElement("a");
    const answer = progress.issue();
    link.href = URL.createObjectURL(new Blob([JSON.stringify(answer)], { type: "application/json" }));
    link.download = `answers-${answer.rater}-${answer.study.slice(0, 8)}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say("Saved as a file");
  }

  // ---- other tabs of this study

  function follow() {
    if (!progress) return;
    progress.sync();
    if (!$("screen-task").hidden) {
      if (board.update(progress.value(progress.data.at))) say("Updated from another tab");
      refresh();
    } else if (!$("screen-done").hidden && !progress.complete) showStart();
    else if (!$("screen-done").hidden && !progress.data.sent) showDone();
  }

  // ---- wiring

  if (!study || !window.HTMLElement) {
    trouble("data", "The data of this study is missing: the folder is not complete. Please tell the organiser.");
    return;
  }
  board = new Board({ pool: $("pool"), ranking: $("ranking"), ties: study.ties, changed: keep, next, say, pictures });
  $("begin").addEventListener("click", begin);
  $("next").addEventListener("click", next);
  $("back").addEventListener("click", () => { pass(); showTask(progress.data.at - 1); });
  $("save").addEventListener("click", download);
  $("save-so-far").addEventListener("click", download);
  $("send").addEventListener("click", send);
  $("review").addEventListener("click", () => { reviewing = true; showTask(0); });
  $("end-review").addEventListener("click", () => { if (finished()) goOn(progress.data.at); });
  $("show-help").addEventListener("click", () => { pass(); showStart(); });
  // The address keeps the code.
  document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); $("main").focus(); });
  $("code-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = $("code").value.trim().toLowerCase();
    if (readCode(text, study)) location.hash = text;
    else $("code-fault").textContent = "This is not a code of this study. A code looks like r01-abcdefghij2345klmnop.";
  });
  addEventListener("hashchange", () => { if (!session) showStart(); });
  addEventListener("storage", (event) => { if (progress && event.key === progress.key) follow(); });
  addEventListener("resize", layout);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) follow();
    if (!progress || $("screen-task").hidden) return;
    // Time while the page is hidden does not count.
    if (document.hidden) progress.record(progress.data.at, undefined, (performance.now() - entered) / 1000, shownOn());
    entered = performance.now();
  });
  // The browser asks before it closes a page with answers that are nowhere else.
  addEventListener("beforeunload", (event) => {
    const kept = ({ stored, data }) => stored || (session ? data.sent : data.issued) || !Object.keys(data.tasks).length;
    if (![...opened.values()].every(kept)) event.preventDefault();
  });
  showStart();
})();
