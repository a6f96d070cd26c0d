// Team against team: two samples of one image under a slider, and samples of several teams side by side.
"use strict";
(() => {
  const { images } = JSON.parse(document.getElementById("data").textContent);
  const get = (id) => document.getElementById(id);
  const MOST = 32; // screen pixels for one picture pixel
  const make = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };

  // What is shown. A side is "gt" or "team.sample", both counted from 0.
  const state = { image: 0, left: "gt", right: "0.0", at: 50, sample: 0, teams: null };
  const view = { zoom: 1, x: 0, y: 0, fitted: true };
  const image = () => images[state.image];
  const side = (key) => {
    if (key === "gt") {
      return { label: "GT", file: image().gt, exact: image().exact, note: "" };
    }
    const [team, sample] = key.split(".").map(Number);
    const entry = image().teams[team];
    const found = entry?.samples[Math.min(sample, entry.samples.length - 1)];
    return found && { label: `${entry.team}, sample ${found.number}`, file: found.file, exact: found.exact, note: found.values };
  };

  // --- one stage: pictures on top of each other, all with the same zoom and place
  const layers = [];
  const layer = (key) => {
    const { label, file, exact } = side(key);
    const whole = make("img", { src: file, alt: `${label} of ${image().name}`, draggable: false, width: image().width, height: image().height });
    const made = make("div", { className: "layer" }, whole);
    if (image().crop && exact) {
      const inside = make("img", { className: "exact", alt: "", draggable: false, width: image().crop.side, height: image().crop.side });
      inside.dataset.src = exact;
      made.append(inside);
    }
    layers.push(made);
    return made;
  };

  const stages = () => [...document.querySelectorAll(".stage")];
  const size = () => ({ width: stages()[0]?.clientWidth || 1, height: stages()[0]?.clientHeight || 1 });
  const least = (stage) => stage.clientWidth / image().width;

  const draw = () => {
    const first = stages()[0];
    if (!first) {
      return;
    }
    const { width, height } = size();
    view.zoom = Math.min(Math.max(view.zoom, least(first)), Math.max(MOST, least(first)));
    view.x = Math.min(Math.max(view.x, 0), Math.max(image().width - width / view.zoom, 0));
    view.y = Math.min(Math.max(view.y, 0), Math.max(image().height - height / view.zoom, 0));
    view.fitted = view.zoom <= least(first) * 1.001;
    for (const stage of stages()) {
      // A narrower pane shows the same part of the picture.
      const zoom = view.zoom * (stage.clientWidth / width);
      for (const one of stage.querySelectorAll(".layer")) {
        one.style.transform = `translate(${-view.x * zoom}px, ${-view.y * zoom}px) scale(${zoom})`;
        one.classList.toggle("crisp", zoom * devicePixelRatio >= 2);
        const inside = one.querySelector(".exact");
        if (inside) {
          const { x, y } = image().crop;
          inside.style.transform = `translate(${x}px, ${y}px)`;
          inside.hidden = zoom * devicePixelRatio < 0.7;
          if (!inside.hidden && !inside.src) {
            inside.src = inside.dataset.src;
          }
        }
      }
    }
    get("zoom").textContent = `${Math.round(100 * view.zoom)}%`;
  };
  const fit = () => {
    Object.assign(view, { zoom: 0, x: 0, y: 0 });
    draw();
  };
  const zoomAt = (factor, px, py, stage) => {
    const inner = view.zoom * (stage.clientWidth / size().width);
    const x = view.x + px / inner;
    const y = view.y + py / inner;
    view.zoom = Math.min(Math.max(view.zoom * factor, least(stages()[0])), MOST);
    const now = view.zoom * (stage.clientWidth / size().width);
    view.x = x - px / now;
    view.y = y - py / now;
    draw();
  };
  const zoomCentre = (factor) => zoomAt(factor, size().width / 2, size().height / 2, stages()[0]);
  const region = () => {
    const { x, y, side: length } = image().crop;
    view.zoom = size().width / length;
    view.x = x;
    view.y = y;
    draw();
  };

  const listen = (stage) => {
    let before = null;
    const at = (event) => {
      const box = stage.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    stage.addEventListener("wheel", (event) => {
      if (event.deltaY > 0 && view.fitted) {
        return; // at the fitted size, scrolling out belongs to the page
      }
      event.preventDefault();
      zoomAt(Math.exp(-event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1) * 0.0018), ...at(event), stage);
    }, { passive: false });
    stage.addEventListener("pointerdown", (event) => {
      stage.setPointerCapture(event.pointerId);
      before = at(event);
    });
    stage.addEventListener("pointermove", (event) => {
      if (before) {
        const now = at(event);
        const inner = view.zoom * (stage.clientWidth / size().width);
        view.x -= (now[0] - before[0]) / inner;
        view.y -= (now[1] - before[1]) / inner;
        before = now;
        draw();
      }
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      stage.addEventListener(end, () => (before = null));
    }
    stage.addEventListener("dblclick", (event) => zoomAt(2, ...at(event), stage));
    stage.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) {
        return;
      }
      const step = size().width / view.zoom / 8;
      const move = (x, y) => () => {
        view.x += x * step;
        view.y += y * step;
        draw();
      };
      const action = {
        ArrowLeft: move(-1, 0), ArrowRight: move(1, 0), ArrowUp: move(0, -1), ArrowDown: move(0, 1),
        "+": () => zoomCentre(1.25), "=": () => zoomCentre(1.25), "-": () => zoomCentre(0.8), f: fit, F: fit,
      }[event.key];
      if (action) {
        event.preventDefault();
        action();
      }
    });
  };
  const stage = (label, ...children) => {
    const made = make("div", { className: "stage", tabIndex: 0 }, ...children);
    made.setAttribute("role", "group");
    made.setAttribute("aria-roledescription", "picture pane");
    made.setAttribute("aria-label", `${label} of ${image().name}`);
    made.setAttribute("aria-describedby", "keys");
    made.style.aspectRatio = `${image().width} / ${image().height}`;
    listen(made);
    return made;
  };

  // --- the page
  const cut = () => {
    get("right-half").style.clipPath = `inset(0 0 0 ${state.at}%)`;
    get("line").style.left = `${state.at}%`;
  };
  const build = () => {
    layers.length = 0;
    const [left, right] = [side(state.left), side(state.right)];
    const over = make("div", { className: "half", id: "right-half" }, layer(state.right));
    const line = make("div", { className: "divider", id: "line" });
    const under = make("div", { className: "half" }, layer(state.left));
    get("duel").replaceChildren(stage(`${left.label} and ${right.label}`, under, over, line));
    get("left-note").replaceChildren(make("b", { textContent: left.label }), ` ${left.note}`);
    get("right-note").replaceChildren(make("b", { textContent: right.label }), ` ${right.note}`);
    cut();
    const shown = ["gt", ...image().teams.map((_, n) => n).filter((n) => state.teams.has(n)).map((n) => `${n}.${state.sample}`)];
    get("rows").replaceChildren(...shown.filter((key) => side(key)).map((key) => {
      const { label, note } = side(key);
      const caption = make("figcaption", {}, make("b", { textContent: label }), make("span", { textContent: note }));
      return make("figure", { className: "pane" }, caption, stage(label, layer(key)));
    }));
    get("region").hidden = !image().crop;
    if (view.fitted) {
      fit();
    } else {
      draw();
    }
  };

  const options = () => {
    for (const id of ["left", "right"]) {
      const select = get(id);
      select.replaceChildren(make("option", { value: "gt", textContent: "GT" }));
      image().teams.forEach((entry, team) => {
        const group = make("optgroup", { label: entry.team });
        entry.samples.forEach((sample, n) => group.append(make("option", { value: `${team}.${n}`, textContent: `${entry.team}, sample ${sample.number}` })));
        select.append(group);
      });
      if (!side(state[id])) {
        state[id] = "gt";
      }
      select.value = state[id];
    }
    const most = Math.max(...image().teams.map((entry) => entry.samples.length));
    get("sample").replaceChildren(...Array.from({ length: most }, (_, n) => make("option", { value: n, textContent: `Sample ${n}` })));
    state.sample = Math.min(state.sample, most - 1);
    get("sample").value = state.sample;
    get("teams").querySelectorAll("label").forEach((label) => label.remove());
    image().teams.forEach((entry, team) => {
      const box = make("input", { type: "checkbox", checked: state.teams.has(team) });
      box.addEventListener("change", () => {
        if (box.checked) {
          state.teams.add(team);
        } else {
          state.teams.delete(team);
        }
        remember();
        build();
      });
      get("teams").append(make("label", { className: "check" }, box, ` ${entry.team}`));
    });
    get("before").disabled = state.image === 0;
    get("after").disabled = state.image === images.length - 1;
    get("image").selectedIndex = state.image;
  };

  // --- the address keeps what is shown
  const remember = () => {
    const { image: number, left, right, at, sample } = state;
    const words = new URLSearchParams({ image: number, left, right, at, sample, teams: [...state.teams].join(".") });
    try {
      history.replaceState(null, "", `#${words}`);
    } catch {
      // Some browsers refuse this on pages from the disk.
    }
  };
  const recall = () => {
    const words = new URLSearchParams(location.hash.slice(1));
    const whole = (name, most, otherwise) => {
      const number = Number(words.get(name) ?? otherwise);
      return Number.isInteger(number) && number >= 0 && number <= most ? number : otherwise;
    };
    state.image = whole("image", images.length - 1, 0);
    state.at = whole("at", 100, 50);
    state.sample = whole("sample", 9999, 0);
    const key = (name, otherwise) => (/^(gt|\d+\.\d+)$/.test(words.get(name) ?? "") && side(words.get(name)) ? words.get(name) : otherwise);
    state.left = key("left", "0.0");
    state.right = key("right", image().teams.length > 1 ? "1.0" : "gt");
    const listed = words.get("teams");
    const first = image().teams.map((_, n) => n).slice(0, 5);
    state.teams = new Set(listed === null ? first : listed.split(".").filter(Boolean).map(Number));
    get("slider").value = state.at;
  };
  const go = (number) => {
    state.image = number;
    Object.assign(view, { zoom: 0, x: 0, y: 0, fitted: true });
    options();
    build();
    remember();
  };

  images.forEach((one) => get("image").append(make("option", { textContent: one.name })));
  get("image").addEventListener("change", () => go(get("image").selectedIndex));
  get("before").addEventListener("click", () => go(state.image - 1));
  get("after").addEventListener("click", () => go(state.image + 1));
  for (const id of ["left", "right"]) {
    get(id).addEventListener("change", () => {
      state[id] = get(id).value;
      remember();
      build();
    });
  }
  get("swap").addEventListener("click", () => {
    [state.left, state.right] = [state.right, state.left];
    options();
    remember();
    build();
  });
  get("sample").addEventListener("change", () => {
    state.sample = Number(get("sample").value);
    remember();
    build();
  });
  get("slider").addEventListener("input", () => {
    state.at = Number(get("slider").value);
    cut();
    remember();
  });
  get("in").addEventListener("click", () => zoomCentre(1.25));
  get("out").addEventListener("click", () => zoomCentre(0.8));
  get("fit").addEventListener("click", fit);
  get("one").addEventListener("click", () => zoomCentre(1 / view.zoom));
  get("region").addEventListener("click", region);
  addEventListener("resize", () => (view.fitted ? fit() : draw()));
  addEventListener("hashchange", () => {
    recall();
    options();
    build();
  });
  get("tools").hidden = false;
  recall();
  options();
  build();
})();
