// The viewer: GT, LR, samples and the map of local best in panes that zoom and move together.
// One file of over 300 lines: panes, zoom and controls share one state (image, view, shown panes).
"use strict";
(() => {
  const { images } = JSON.parse(document.getElementById("data").textContent);
  const get = (id) => document.getElementById(id);
  const panes = get("panes");
  const select = get("image");
  const MOST = 64; // screen pixels for one picture pixel

  let image = images[0];
  let shown = new Set(["gt", "lr", "map", `s${images[0].samples[0].number}`]);
  let alone = null; // the sample whose regions the map shows alone
  let compare = false;
  // x, y: the picture's point in the stage's upper left corner; fitted: whether the whole width is seen.
  const view = { zoom: 1, x: 0, y: 0, fitted: true };

  const make = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };

  // Colours of equal lightness steps around the circle; the light and dark ones alternate, so that neighbours in
  // number differ in lightness too.
  const colour = (k, count) => {
    const hue = (k * 360) / count + 20;
    return `hsl(${hue} 62% ${k % 2 ? 70 : 42}%)`;
  };

  // --- panes
  const kinds = () => [
    { id: "gt", label: "GT", src: image.gt, exact: image.exact },
    { id: "lr", label: "LR", src: image.lr, note: "each pixel enlarged" },
    ...image.samples.map((s) => ({ id: `s${s.number}`, label: `Sample ${s.number}`, src: s.file, exact: s.exact, note: s.values })),
    { id: "map", label: "Local best", note: "which sample is nearest" },
  ];
  const percent = (share) => `${(100 * share).toFixed(1)}%`;

  const stages = () => [...panes.querySelectorAll(".stage")];
  const stageSize = () => {
    const stage = panes.querySelector(".stage");
    return stage ? { width: stage.clientWidth, height: stage.clientHeight } : { width: 1, height: 1 };
  };

  const build = () => {
    const focused = document.activeElement?.dataset?.pane;
    panes.replaceChildren();
    for (const kind of kinds().filter((k) => shown.has(k.id))) {
      const stage = make("div", { className: "stage", tabIndex: 0 });
      stage.dataset.pane = kind.id;
      stage.setAttribute("role", "group");
      stage.setAttribute("aria-roledescription", "picture pane");
      stage.setAttribute("aria-describedby", "keys");
      stage.style.aspectRatio = `${image.width} / ${image.height}`;
      stage.append(kind.id === "map" ? map() : picture(kind));
      if (image.crop && kind.exact) {
        // The exact pixels of one region, over the preview; loaded when they are zoomed in.
        const inside = make("img", { className: "exact", alt: "", draggable: false, hidden: true, width: image.crop.side, height: image.crop.side });
        stage.append(inside);
      }
      stage.append(make("div", { className: "cursor", hidden: true }));
      panes.append(make("figure", { className: "pane" }, make("figcaption", {}, make("b"), make("span")), stage));
      name(stage, kind);
      listen(stage);
    }
    arrange();
    redraw();
    panes.querySelector(`[data-pane="${focused}"]`)?.focus();
  };

  // What a pane is called: that of the picture it shows, which is the GT while all are compared with it.
  const name = (stage, kind) => {
    const swapped = compare && kind.id !== "gt" && kind.id !== "map";
    const label = swapped ? "GT" : kind.label;
    const [title, note] = stage.previousElementSibling.children;
    title.textContent = label;
    note.textContent = swapped ? `in place of ${kind.label}` : kind.note ?? "";
    stage.setAttribute("aria-label", `${label} of ${image.name}`);
    if (stage.firstElementChild.tagName === "IMG") {
      stage.firstElementChild.alt = `${label} of ${image.name}`;
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

  const picture = (kind) => {
    const made = make("img", { draggable: false });
    made.src = compare && kind.id !== "gt" ? image.gt : kind.src;
    made.width = image.width;
    made.height = image.height;
    return made;
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
    canvas.style.width = `${columns * cell}px`;
    canvas.style.height = `${rows * cell}px`;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Map of ${image.name}: ` + image.samples.map((s) => `sample ${s.number} nearest on ${percent(s.share)}`).join(", "));
    return canvas;
  };

  // --- zoom and move, for all panes at once
  const fitZoom = () => stageSize().width / image.width;

  const draw = () => {
    const size = stageSize();
    const least = fitZoom();
    view.zoom = Math.min(Math.max(view.zoom, least), Math.max(MOST, least));
    // The picture stays in the pane.
    view.x = Math.min(Math.max(view.x, 0), Math.max(image.width - size.width / view.zoom, 0));
    view.y = Math.min(Math.max(view.y, 0), Math.max(image.height - size.height / view.zoom, 0));
    for (const stage of stages()) {
      const content = stage.firstElementChild;
      content.style.transform = `translate(${-view.x * view.zoom}px, ${-view.y * view.zoom}px) scale(${view.zoom})`;
      if (content.tagName === "IMG") {
        // Enlarged pixels stay squares; a picture shown smaller than it is must be smoothed.
        const side = view.zoom * devicePixelRatio * (stage.dataset.pane === "lr" && !compare ? image.scale : 1);
        content.classList.toggle("crisp", side >= 2);
      }
    }
    exact();
    view.fitted = view.zoom <= least * 1.001;
    get("zoom").textContent = `${Math.round(100 * view.zoom)}%`;
  };

  const exact = () => {
    for (const stage of stages()) {
      const inside = stage.querySelector(".exact");
      if (inside) {
        const { x, y } = image.crop;
        inside.hidden = view.zoom * devicePixelRatio < 0.7;
        inside.style.transform = `translate(${(x - view.x) * view.zoom}px, ${(y - view.y) * view.zoom}px) scale(${view.zoom})`;
        inside.classList.toggle("crisp", view.zoom * devicePixelRatio >= 2);
        const wanted = compare ? image.exact : kinds().find((k) => k.id === stage.dataset.pane).exact;
        if (!inside.hidden && inside.getAttribute("src") !== wanted) {
          inside.src = wanted;
        }
      }
    }
  };
  const region = () => {
    view.zoom = stageSize().width / image.crop.side;
    view.x = image.crop.x;
    view.y = image.crop.y;
    draw();
  };

  const zoomAt = (factor, px, py) => {
    const x = view.x + px / view.zoom;
    const y = view.y + py / view.zoom;
    view.zoom = Math.min(Math.max(view.zoom * factor, fitZoom()), MOST);
    view.x = x - px / view.zoom;
    view.y = y - py / view.zoom;
    draw();
  };
  const zoomCentre = (factor) => {
    const { width, height } = stageSize();
    zoomAt(factor, width / 2, height / 2);
  };
  const fit = () => {
    Object.assign(view, { zoom: fitZoom(), x: 0, y: 0 });
    draw();
  };
  const redraw = () => (view.fitted ? fit() : draw());
  const one = () => zoomCentre(1 / view.zoom);

  const point = (stage, px, py) => {
    const x = Math.floor(view.x + px / view.zoom);
    const y = Math.floor(view.y + py / view.zoom);
    if (x < 0 || y < 0 || x >= image.width || y >= image.height) {
      return;
    }
    const { cell, columns, best } = image.map;
    const sample = image.samples[best[Math.floor(y / cell) * columns + Math.floor(x / cell)]];
    get("readout").textContent = `Column ${x}, row ${y}: sample ${sample.number} is nearest here`;
    for (const other of stages()) {
      const cursor = other.lastElementChild;
      cursor.hidden = other === stage;
      cursor.style.transform = `translate(${px}px, ${py}px)`;
    }
  };

  const listen = (stage) => {
    const pointers = new Map();
    const at = (event) => {
      const box = stage.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    stage.addEventListener("wheel", (event) => {
      // At the fitted size, scrolling out belongs to the page.
      if (event.deltaY > 0 && view.fitted) {
        return;
      }
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      zoomAt(Math.exp(-event.deltaY * lines * 0.0018), ...at(event));
    }, { passive: false });
    stage.addEventListener("pointerdown", (event) => {
      stage.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, at(event));
    });
    stage.addEventListener("pointermove", (event) => {
      const now = at(event);
      const before = pointers.get(event.pointerId);
      if (!before) {
        point(stage, ...now);
        return;
      }
      if (pointers.size === 1) {
        view.x -= (now[0] - before[0]) / view.zoom;
        view.y -= (now[1] - before[1]) / view.zoom;
        draw();
      } else if (pointers.size === 2) {
        const [still] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, where]) => where);
        const distance = ([x, y]) => Math.hypot(x - still[0], y - still[1]);
        zoomAt(distance(now) / Math.max(distance(before), 1), (now[0] + still[0]) / 2, (now[1] + still[1]) / 2);
      }
      pointers.set(event.pointerId, now);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      stage.addEventListener(end, (event) => pointers.delete(event.pointerId));
    }
    stage.addEventListener("pointerleave", () => stages().forEach((other) => (other.lastElementChild.hidden = true)));
    stage.addEventListener("dblclick", (event) => zoomAt(2, ...at(event)));
    stage.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) {
        return;
      }
      const step = stageSize().width / view.zoom / 8;
      const keys = {
        ArrowLeft: () => { view.x -= step; draw(); },
        ArrowRight: () => { view.x += step; draw(); },
        ArrowUp: () => { view.y -= step; draw(); },
        ArrowDown: () => { view.y += step; draw(); },
        "+": () => zoomCentre(1.25),
        "=": () => zoomCentre(1.25),
        "-": () => zoomCentre(0.8),
        f: fit,
        F: fit,
        a: one,
        A: one,
        g: toggleCompare,
        G: toggleCompare,
      };
      const number = /^\d$/.test(event.key) ? Number(event.key) : null;
      const action = image.samples.some((s) => s.number === number) ? () => only(number) : keys[event.key];
      if (action) {
        event.preventDefault();
        action();
      }
    });
  };

  // --- controls
  const toggleCompare = () => {
    compare = !compare;
    get("compare").setAttribute("aria-pressed", String(compare));
    for (const stage of stages().filter((s) => s.firstElementChild.tagName === "IMG")) {
      const kind = kinds().find((k) => k.id === stage.dataset.pane);
      stage.firstElementChild.src = compare ? image.gt : kind.src;
      name(stage, kind);
    }
    draw();
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
      const short = kind.id.startsWith("s") ? kind.label.replace("Sample ", "") : kind.label;
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
    alone = null;
    select.selectedIndex = number;
    get("before").disabled = number === 0;
    get("after").disabled = number === images.length - 1;
    get("region").hidden = !image.crop;
    const known = new Set(kinds().map((k) => k.id));
    shown = new Set([...shown].filter((id) => known.has(id)));
    choices();
    legend();
    build();
    fit();
  };
  const go = (number) => {
    show(number);
    try {
      history.replaceState(null, "", `#image-${number}`);
    } catch {
      // Some browsers refuse this on pages from the disk; the address then names the first image.
    }
  };

  images.forEach((one_) => select.append(make("option", { textContent: one_.name })));
  select.addEventListener("change", () => go(select.selectedIndex));
  get("before").addEventListener("click", () => go(select.selectedIndex - 1));
  get("after").addEventListener("click", () => go(select.selectedIndex + 1));
  get("in").addEventListener("click", () => zoomCentre(1.25));
  get("out").addEventListener("click", () => zoomCentre(0.8));
  get("fit").addEventListener("click", fit);
  get("one").addEventListener("click", one);
  get("region").addEventListener("click", region);
  get("compare").addEventListener("click", toggleCompare);
  get("tools").hidden = false;
  const wanted = () => Math.min(Number(/^#image-(\d+)$/.exec(location.hash)?.[1] ?? 0), images.length - 1);
  addEventListener("hashchange", () => show(wanted()));
  addEventListener("resize", () => {
    arrange();
    redraw();
  });
  show(wanted());
})();
