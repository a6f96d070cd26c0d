// The viewer: GT, LR, samples and the map of local best in panes that zoom and move together.
"use strict";
(() => {
  const { images } = JSON.parse(document.getElementById("data").textContent);
  const { make, makePanes, address, imageNumber, strip } = window.srspace;
  const get = (id) => document.getElementById(id);
  const panes = get("panes");
  const select = get("image");
  const teams = [...document.querySelectorAll("a.other-team")];
  const kept = address();

  let image = images[0];
  let shown = new Set();
  let alone = null; // the sample whose regions the map shows alone
  let compare = false;
  let ready = false;

  // Colours of equal lightness steps around the circle; the light and dark ones alternate, so that neighbours in
  // number differ in lightness too.
  const colour = (k, count) => {
    const hue = (k * 360) / count + 20;
    return `hsl(${hue} 62% ${k % 2 ? 70 : 42}%)`;
  };
  const percent = (share) => `${(100 * share).toFixed(1)}%`;

  // --- panes
  const kinds = () => [
    { id: "gt", label: "GT", src: image.gt, exact: image.exact },
    { id: "lr", label: "LR", src: image.lr, note: "each pixel enlarged", scale: image.scale },
    ...image.samples.map((s) => ({ id: `s${s.number}`, label: `Sample ${s.number}`, src: s.file, exact: s.exact, note: s.values, sample: true })),
    { id: "map", label: "Local best", note: "which sample is nearest" },
  ];
  const usual = () => ["gt", "lr", `s${image.samples[0].number}`, "map"];

  const hover = (stage, px, py) => {
    const x = Math.floor(view.x + px / zoomed.zoomOf(stage));
    const y = Math.floor(view.y + py / zoomed.zoomOf(stage));
    if (x < 0 || y < 0 || x >= image.width || y >= image.height) {
      return;
    }
    const { cell, columns, best } = image.map;
    const sample = image.samples[best[Math.floor(y / cell) * columns + Math.floor(x / cell)]];
    get("readout").textContent = `Column ${x}, row ${y}: sample ${sample.number} is nearest here`;
    for (const other of zoomed.stages()) {
      const cursor = other.lastElementChild;
      cursor.hidden = other === stage;
      cursor.style.transform = `translate(${px}px, ${py}px)`;
    }
  };
  const keys = (key) => {
    const number = /^\d$/.test(key) ? Number(key) : null;
    if (image.samples.some((s) => s.number === number)) {
      return () => only(number);
    }
    return { g: toggleCompare, n: () => go(select.selectedIndex + 1), p: () => go(select.selectedIndex - 1) }[key];
  };
  const remember = () => {
    if (!ready) {
      return;
    }
    const own = kinds().map((kind) => kind.id).filter((id) => shown.has(id));
    kept.keep({
      image: image.name,
      show: own.join(".") === kinds().map((k) => k.id).filter((id) => usual().includes(id)).join(".") ? "" : own.join(".") || "none",
      compare: compare ? "gt" : "",
      alone: alone === null ? "" : image.samples[alone].number,
      at: zoomed.text(),
    }, (hash) => teams.forEach((link) => (link.hash = hash)));
  };
  const zoomed = makePanes({ image: () => image, changed: remember, keys, hover });
  const { view } = zoomed;

  const build = () => {
    const focused = document.activeElement?.dataset?.pane;
    panes.replaceChildren();
    for (const kind of kinds().filter((k) => shown.has(k.id))) {
      const alt = `${kind.label} of ${image.name}`;
      const stage = zoomed.stage(alt, zoomed.layer({ ...kind, alt, content: kind.id === "map" ? map() : undefined }));
      stage.dataset.pane = kind.id;
      if (kind.sample) {
        // The GT lies over the sample, so that changing between the two does not flicker.
        const over = zoomed.layer({ src: image.gt, exact: image.exact, alt: `GT of ${image.name}` });
        over.classList.add("over");
        stage.append(over);
      }
      stage.append(make("div", { className: "cursor", hidden: true }));
      stage.addEventListener("pointerleave", () => zoomed.stages().forEach((other) => (other.lastElementChild.hidden = true)));
      panes.append(make("figure", { className: "pane" }, make("figcaption", {}, make("b"), make("span")), stage));
      name(stage, kind);
    }
    arrange();
    zoomed.redraw();
    panes.querySelector(`[data-pane="${focused}"]`)?.focus();
  };

  // A pane is called as the picture that it shows. While samples are compared with the GT, their panes show the GT.
  const name = (stage, kind) => {
    const swapped = compare && kind.sample;
    const label = swapped ? "GT" : kind.label;
    const [title, note] = stage.previousElementSibling.children;
    const write = (part, texts) => {
      part.replaceChildren(make("bdi", { textContent: texts[Number(swapped)] }));
      part.dataset.other = texts[Number(!swapped)];
    };
    if (kind.sample) {
      write(title, [kind.label, "GT"]);
      write(note, [kind.note, `in place of ${kind.label}`]);
    } else {
      title.textContent = kind.label;
      note.textContent = kind.note ?? "";
    }
    stage.setAttribute("aria-label", `${label} of ${image.name}`);
    if (kind.sample) {
      stage.firstElementChild.style.visibility = swapped ? "hidden" : "";
      stage.querySelector(".over").style.visibility = swapped ? "" : "hidden";
    }
  };

  // The largest panes that fit into the window together; if none do, as many columns as stay readable.
  const arrange = () => {
    const count = Math.max(panes.children.length, 1);
    const gap = 10;
    const room = innerHeight - (panes.getBoundingClientRect().top + scrollY);
    const readable = Math.min(300, panes.clientWidth / 2 - gap);
    const side = (columns) => (panes.clientWidth - gap * (columns - 1)) / columns;
    const height = (columns) => Math.ceil(count / columns) * ((side(columns) * image.height) / image.width + 44 + gap);
    let columns = 1;
    while (columns < count && height(columns) > room && side(columns + 1) >= readable) {
      columns += 1;
    }
    panes.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
  };

  const map = () => {
    const { rows, columns, cell, best } = image.map;
    const canvas = make("canvas", { width: columns, height: rows, className: "crisp" });
    const context = canvas.getContext("2d");
    const count = image.samples.length;
    best.forEach((sample, position) => {
      context.fillStyle = alone === null || alone === sample ? colour(sample, count) : "#88888826";
      context.fillRect(position % columns, Math.floor(position / columns), 1, 1);
    });
    canvas.style.width = `${(100 * columns * cell) / image.width}%`;
    canvas.style.height = `${(100 * rows * cell) / image.height}%`;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Map of ${image.name}: ` + image.samples.map((s) => `sample ${s.number} nearest on ${percent(s.share)}`).join(", "));
    return canvas;
  };

  // --- controls
  const toggleCompare = () => {
    compare = !compare;
    get("compare").setAttribute("aria-pressed", String(compare));
    for (const stage of zoomed.stages()) {
      name(stage, kinds().find((k) => k.id === stage.dataset.pane));
    }
    zoomed.draw();
  };

  // The digits of the keyboard mean the samples of their number, as the buttons do.
  const only = (number) => {
    shown = new Set([...[...shown].filter((id) => !/^s\d+$/.test(id)), `s${number}`]);
    const at = document.activeElement?.dataset?.pane;
    choices();
    build();
    if (at?.startsWith("s")) {
      panes.querySelector(`[data-pane="s${number}"]`)?.focus();
    }
  };

  const choices = () => {
    const choice = get("choice");
    choice.querySelectorAll("button").forEach((button) => button.remove());
    for (const kind of kinds()) {
      const short = kind.sample ? kind.label.replace("Sample ", "") : kind.label;
      const button = make("button", { type: "button", className: "toggle", textContent: short });
      if (short !== kind.label) {
        button.setAttribute("aria-label", kind.label);
      }
      button.setAttribute("aria-pressed", String(shown.has(kind.id)));
      button.addEventListener("click", () => {
        const now = !shown.delete(kind.id);
        if (now) {
          shown.add(kind.id);
        }
        button.setAttribute("aria-pressed", String(now));
        build();
      });
      choice.append(button);
    }
  };

  const legend = () => {
    const buttons = image.samples.map((sample, k) => {
      const swatch = make("span", { className: "swatch" });
      swatch.style.background = colour(k, image.samples.length);
      const button = make("button", { type: "button" }, swatch, `Sample ${sample.number}: ${percent(sample.share)}`);
      button.setAttribute("aria-pressed", String(alone === k));
      button.addEventListener("click", () => {
        alone = alone === k ? null : k;
        [...get("legend").children].forEach((other, n) => other.setAttribute("aria-pressed", String(alone === n)));
        build();
      });
      return button;
    });
    get("legend").replaceChildren(...buttons);
    get("cell").textContent = `${image.map.cell} × ${image.map.cell}`;
  };

  const show = (number) => {
    image = images[number];
    select.selectedIndex = number;
    get("before").disabled = number === 0;
    get("after").disabled = number === images.length - 1;
    get("region").hidden = !image.crop;
    const known = new Set(kinds().map((k) => k.id));
    shown = new Set([...shown].filter((id) => known.has(id)));
    view.fitted = true;
    mark(number);
    choices();
    legend();
    build();
  };
  const go = (number) => {
    if (images[number]) {
      alone = null;
      show(number);
    }
  };
  const mark = strip(get("strip"), images, go);

  const recall = () => {
    const words = kept.words();
    const number = imageNumber(images, words);
    image = images[number];
    const listed = words.get("show");
    shown = new Set(listed === null ? usual() : listed.split("."));
    compare = words.get("compare") === "gt";
    get("compare").setAttribute("aria-pressed", String(compare));
    const sample = image.samples.findIndex((s) => String(s.number) === words.get("alone"));
    alone = sample < 0 ? null : sample;
    ready = false;
    show(number);
    zoomed.recall(words.get("at"));
    ready = true;
    teams.forEach((link) => (link.hash = location.hash));
  };

  images.forEach((one) => select.append(make("option", { textContent: one.name })));
  select.addEventListener("change", () => go(select.selectedIndex));
  get("before").addEventListener("click", () => go(select.selectedIndex - 1));
  get("after").addEventListener("click", () => go(select.selectedIndex + 1));
  get("compare").addEventListener("click", toggleCompare);
  for (const id of ["tools", "keys", "map-note"]) {
    get(id).hidden = false;
  }
  addEventListener("hashchange", recall);
  addEventListener("resize", () => {
    arrange();
    zoomed.redraw();
  });
  recall();
})();
