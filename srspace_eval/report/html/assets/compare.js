// Team against team: two samples of one image under a slider, and samples of several teams side by side.
"use strict";
(() => {
  const { images } = JSON.parse(document.getElementById("data").textContent);
  const { make, makePanes, address, imageNumber, strip } = window.srspace;
  const get = (id) => document.getElementById(id);
  const kept = address();
  const FIRST = 5; // teams that are shown side by side at first

  // What is shown. A side is "gt" or "team.sample": the name of the team's page and the sample's number.
  const state = { image: 0, left: "gt", right: "gt", at: 50, sample: 0, teams: new Set() };
  const image = () => images[state.image];
  const side = (key) => {
    if (key === "gt") {
      return { label: "GT", src: image().gt, exact: image().exact, note: "", page: "" };
    }
    const cut = key.lastIndexOf(".");
    const entry = image().teams.find((one) => one.id === key.slice(0, cut));
    const found = entry?.samples.find((one) => String(one.number) === key.slice(cut + 1));
    return found && {
      label: `${entry.team}, sample ${found.number}`, src: found.file, exact: found.exact, note: found.values,
      page: `${entry.id}.html#${new URLSearchParams({ image: image().name, show: `gt.lr.s${found.number}.map` })}`,
    };
  };
  const first = (team) => `${image().teams[team].id}.${image().teams[team].samples[0].number}`;

  let ready = false;
  const remember = () => {
    if (ready) {
      const { left, right, at, sample, teams } = state;
      kept.keep({ image: image().name, left, right, slider: at, sample, teams: [...teams].join(".") || "none", at: panes.text() });
    }
  };
  const panes = makePanes({
    image, changed: remember,
    keys: (key) => ({ n: () => go(state.image + 1), p: () => go(state.image - 1) })[key],
  });
  const layer = (key) => {
    const { label, src, exact } = side(key);
    return panes.layer({ src, exact, alt: `${label} of ${image().name}` });
  };

  // --- the slider
  const cut = () => {
    get("right-half").style.clipPath = `inset(0 0 0 ${state.at}%)`;
    get("line").style.left = `${state.at}%`;
    get("slider").value = state.at;
  };
  const divider = () => {
    const grip = make("span", { className: "grip" });
    const line = make("div", { className: "divider", id: "line" }, grip);
    // The grip is dragged where it is; the range below it does the same by keyboard.
    grip.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      grip.setPointerCapture(event.pointerId);
    });
    grip.addEventListener("pointermove", (event) => {
      event.stopPropagation();
      if (grip.hasPointerCapture(event.pointerId)) {
        const box = line.parentElement.getBoundingClientRect();
        state.at = Math.round(Math.min(Math.max((100 * (event.clientX - box.left)) / box.width, 0), 100));
        cut();
        remember();
      }
    });
    return line;
  };
  const note = (id, { label, note: text, page }) => {
    const title = page ? make("a", { href: page, textContent: label }) : label;
    get(id).replaceChildren(make("b", {}, title), " ", make("span", { textContent: text }));
  };

  // The picture is as large as the window shows together with the slider and the numbers.
  const arrange = () => {
    const box = get("duel-box");
    const room = Math.max(innerHeight - (box.getBoundingClientRect().top + scrollY) - 150, 260);
    box.style.maxWidth = `${Math.round((room * image().width) / image().height)}px`;
  };

  const build = () => {
    const [left, right] = [side(state.left), side(state.right)];
    const over = make("div", { className: "half", id: "right-half" }, layer(state.right));
    const under = make("div", { className: "half" }, layer(state.left));
    const names = [left, right].map(({ label }, n) => make("span", { className: `side ${n ? "right" : "left"}`, textContent: label }));
    const text = `${left.label} and ${right.label} of ${image().name}`;
    get("duel").replaceChildren(panes.stage(text, under, over, divider(), ...names));
    note("left-note", left);
    note("right-note", right);
    const shown = ["gt", ...image().teams.filter((one) => state.teams.has(one.id)).map((one) => `${one.id}.${state.sample}`)];
    get("rows").replaceChildren(...shown.filter((key) => side(key)).map((key) => {
      const { label, note: numbers, page } = side(key);
      const title = page ? make("a", { href: page, textContent: label }) : label;
      const caption = make("figcaption", {}, make("b", {}, title), make("span", { textContent: numbers }));
      return make("figure", { className: "pane" }, caption, panes.stage(`${label} of ${image().name}`, layer(key)));
    }));
    get("region").hidden = !image().crop;
    arrange();
    cut();
    panes.redraw();
  };

  const options = () => {
    state.left = side(state.left) ? state.left : "gt";
    state.right = side(state.right) ? state.right : "gt";
    for (const id of ["left", "right"]) {
      const select = get(id);
      select.replaceChildren(make("option", { value: "gt", textContent: "GT" }));
      for (const entry of image().teams) {
        const group = make("optgroup", { label: entry.team });
        for (const { number } of entry.samples) {
          group.append(make("option", { value: `${entry.id}.${number}`, textContent: `${entry.team}, sample ${number}` }));
        }
        select.append(group);
      }
      select.value = state[id];
    }
    const numbers = [...new Set(image().teams.flatMap((entry) => entry.samples.map((one) => one.number)))].sort((a, b) => a - b);
    state.sample = numbers.includes(state.sample) ? state.sample : numbers[0];
    get("sample").replaceChildren(...numbers.map((number) => make("option", { value: number, textContent: `Sample ${number}` })));
    get("sample").value = state.sample;
    get("teams").querySelectorAll("label").forEach((label) => label.remove());
    for (const { id, team } of image().teams) {
      const box = make("input", { type: "checkbox", checked: state.teams.has(id) });
      box.addEventListener("change", () => {
        if (box.checked) {
          state.teams.add(id);
        } else {
          state.teams.delete(id);
        }
        build();
      });
      get("teams").append(make("label", { className: "check", title: team }, box, make("span", { textContent: team })));
    }
    get("before").disabled = state.image === 0;
    get("after").disabled = state.image === images.length - 1;
    get("image").selectedIndex = state.image;
    mark(state.image);
  };
  const go = (number) => {
    if (images[number]) {
      state.image = number;
      panes.view.fitted = true;
      options();
      build();
    }
  };
  const mark = strip(get("strip"), images, go);

  const recall = () => {
    const words = kept.words();
    const whole = (name, most, otherwise) => {
      const number = /^\d{1,4}$/.test(words.get(name) ?? "") ? Number(words.get(name)) : otherwise;
      return number <= most ? number : otherwise;
    };
    state.image = imageNumber(images, words);
    state.at = whole("slider", 100, 50);
    state.sample = whole("sample", 9999, 0);
    // A team without a sample means its first one.
    const key = (name, otherwise) => {
      const team = image().teams.findIndex((one) => one.id === words.get(name));
      return team >= 0 ? first(team) : side(words.get(name) ?? "") ? words.get(name) : otherwise;
    };
    state.left = key("left", first(0));
    state.right = key("right", first(state.left.startsWith(`${image().teams[1].id}.`) ? 0 : 1));
    const all = image().teams.map((one) => one.id);
    const listed = words.get("teams");
    state.teams = new Set(listed === null ? all.slice(0, FIRST) : all.filter((id) => listed.split(".").includes(id)));
    ready = false;
    options();
    build();
    panes.recall(words.get("at"));
    ready = true;
  };

  images.forEach((one) => get("image").append(make("option", { textContent: one.name })));
  get("image").addEventListener("change", () => go(get("image").selectedIndex));
  get("before").addEventListener("click", () => go(state.image - 1));
  get("after").addEventListener("click", () => go(state.image + 1));
  for (const id of ["left", "right"]) {
    get(id).addEventListener("change", () => {
      state[id] = get(id).value;
      build();
    });
  }
  get("swap").addEventListener("click", () => {
    [state.left, state.right] = [state.right, state.left];
    options();
    build();
  });
  get("sample").addEventListener("change", () => {
    state.sample = Number(get("sample").value);
    build();
  });
  get("slider").addEventListener("input", () => {
    state.at = Number(get("slider").value);
    cut();
    remember();
  });
  addEventListener("resize", () => {
    arrange();
    panes.redraw();
  });
  addEventListener("hashchange", recall);
  for (const id of ["tools", "keys", "duel-box", "several"]) {
    get(id).hidden = false;
  }
  recall();
})();
