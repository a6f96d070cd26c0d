// Panes that show parts of one picture and zoom and move together. The viewer and the comparison of teams share them.
"use strict";
window.srspace = {
  make(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  },

  // The address keeps what is shown: #image=0801&show=gt.s0. Browsers bound how often it may change.
  address() {
    let waiting = 0;
    return {
      words: () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : ""),
      keep(state, then = () => {}) {
        clearTimeout(waiting);
        waiting = setTimeout(() => {
          const words = new URLSearchParams(Object.entries(state).filter(([, value]) => value !== ""));
          try {
            history.replaceState(null, "", `#${words}`);
          } catch {
            // Some browsers refuse this on pages from the disk.
          }
          then(`#${words}`);
        }, 150);
      },
    };
  },

  // The image that an address names: by its name, or by its number as earlier pages wrote it.
  imageNumber(images, words) {
    const named = images.findIndex((one) => one.name === words.get("image"));
    const number = Number(/^#image-(\d+)$/.exec(location.hash)?.[1] ?? 0);
    return named >= 0 ? named : Math.min(number, images.length - 1);
  },

  // Small pictures of all images; the shown one is marked.
  strip(box, images, go) {
    const make = window.srspace.make;
    const buttons = images.map((one, number) => {
      const small = make("img", { src: one.thumbnail, alt: "", loading: "lazy" });
      const button = make("button", { type: "button", className: "frame" }, small, make("span", { textContent: one.name }));
      button.addEventListener("click", () => go(number));
      return button;
    });
    box.replaceChildren(...buttons);
    box.hidden = images.length < 2;
    return (number) => buttons.forEach((button, n) => {
      button.setAttribute("aria-current", String(n === number));
      if (n === number && box.scrollWidth > box.clientWidth) {
        box.scrollLeft = button.offsetLeft - box.offsetLeft - (box.clientWidth - button.clientWidth) / 2;
      }
    });
  },

  // image: the shown image (width, height, crop). changed: called after each move. keys: more keys of a focused pane.
  // hover(stage, x, y): the pointer is over a pane.
  makePanes({ image, changed, keys = () => null, hover = () => {} }) {
    const { make } = window.srspace;
    const MOST = 64; // screen pixels for one picture pixel
    // x, y: the picture's point in the upper left corner; zoom: of the first pane; fitted: the whole width is seen.
    const view = { zoom: 1, x: 0, y: 0, fitted: true };
    const stages = () => [...document.querySelectorAll(".stage")];
    const size = () => ({ width: stages()[0]?.clientWidth || 1, height: stages()[0]?.clientHeight || 1 });
    const least = () => size().width / image().width;
    // A narrower pane shows the same part of the picture.
    const zoomOf = (stage) => view.zoom * (stage.clientWidth / size().width);

    const draw = () => {
      const { width, height } = size();
      view.zoom = Math.min(Math.max(view.zoom, least()), Math.max(MOST, least()));
      view.x = Math.min(Math.max(view.x, 0), Math.max(image().width - width / view.zoom, 0));
      view.y = Math.min(Math.max(view.y, 0), Math.max(image().height - height / view.zoom, 0));
      view.fitted = view.zoom <= least() * 1.001;
      for (const stage of stages()) {
        const zoom = zoomOf(stage);
        // While nothing can be moved, a finger scrolls the page.
        stage.style.touchAction = view.fitted ? "pan-y" : "none";
        for (const layer of stage.querySelectorAll(".layer")) {
          // In percent, so that it also fits on paper.
          const part = (image().width * zoom) / stage.clientWidth;
          const [x, y] = [view.x / image().width, view.y / image().height].map((share) => -100 * part * share);
          layer.style.transform = `translate(${x}%, ${y}%) scale(${part})`;
          // Enlarged pixels stay squares; a picture shown smaller than it is must be smoothed.
          layer.classList.toggle("crisp", zoom * devicePixelRatio * Number(layer.dataset.scale) >= 2);
          const inside = layer.querySelector(".exact");
          if (inside) {
            inside.hidden = zoom * devicePixelRatio < 0.7;
            if (!inside.hidden && !inside.src) {
              inside.src = inside.dataset.src;
            }
          }
        }
      }
      document.getElementById("zoom").textContent = `${Math.round(100 * view.zoom)}%`;
      changed();
    };
    const fit = () => {
      Object.assign(view, { zoom: 0, x: 0, y: 0 });
      draw();
    };
    const redraw = () => (view.fitted ? fit() : draw());
    const zoomAt = (factor, px, py, stage) => {
      const x = view.x + px / zoomOf(stage);
      const y = view.y + py / zoomOf(stage);
      view.zoom = Math.min(Math.max(view.zoom * factor, least()), Math.max(MOST, least()));
      view.x = x - px / zoomOf(stage);
      view.y = y - py / zoomOf(stage);
      draw();
    };
    const zoomCentre = (factor) => zoomAt(factor, size().width / 2, size().height / 2, stages()[0]);
    const one = () => zoomCentre(1 / view.zoom);
    const region = () => {
      const { x, y, side } = image().crop;
      Object.assign(view, { zoom: size().width / side, x, y });
      draw();
    };

    // The seen part as its centre and its width, in pixels of the picture; empty: all of it.
    const text = () => {
      const { width, height } = size();
      const part = [view.x + width / view.zoom / 2, view.y + height / view.zoom / 2, width / view.zoom];
      return view.fitted ? "" : part.map((value) => Math.round(value)).join(".");
    };
    const recall = (part) => {
      const found = /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})$/.exec(part ?? "");
      if (!found || Number(found[3]) < 1) {
        fit();
        return;
      }
      const { width, height } = size();
      const [x, y, seen] = found.slice(1).map(Number);
      view.zoom = width / seen;
      view.x = x - seen / 2;
      view.y = y - height / view.zoom / 2;
      draw();
    };

    // A picture that fills a pane. exact: the pixels of one region, over a preview, loaded when they are zoomed in.
    const layer = ({ content, src, alt, exact, scale = 1 }) => {
      const whole = content ?? make("img", { src, alt, draggable: false });
      const made = make("div", { className: "layer" }, whole);
      made.dataset.scale = scale;
      if (image().crop && exact) {
        const { x, y, side } = image().crop;
        const inside = make("img", { className: "exact", alt: "", draggable: false, hidden: true });
        inside.dataset.src = exact;
        const [left, width] = [x, side].map((length) => `${(100 * length) / image().width}%`);
        const [top, height] = [y, side].map((length) => `${(100 * length) / image().height}%`);
        Object.assign(inside.style, { left, top, width, height });
        made.append(inside);
      }
      return made;
    };

    const listen = (stage) => {
      const pointers = new Map();
      const at = (event) => {
        const box = stage.getBoundingClientRect();
        return [event.clientX - box.left, event.clientY - box.top];
      };
      stage.addEventListener("wheel", (event) => {
        if (event.deltaY > 0 && view.fitted) {
          return; // at the fitted size, scrolling out belongs to the page
        }
        event.preventDefault();
        const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
        zoomAt(Math.exp(-event.deltaY * lines * 0.0018), ...at(event), stage);
      }, { passive: false });
      stage.addEventListener("pointerdown", (event) => {
        stage.setPointerCapture(event.pointerId);
        pointers.set(event.pointerId, at(event));
      });
      stage.addEventListener("pointermove", (event) => {
        const now = at(event);
        const before = pointers.get(event.pointerId);
        if (!before) {
          hover(stage, ...now);
          return;
        }
        if (pointers.size === 1) {
          view.x -= (now[0] - before[0]) / zoomOf(stage);
          view.y -= (now[1] - before[1]) / zoomOf(stage);
          draw();
        } else if (pointers.size === 2) {
          const [still] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, where]) => where);
          const distance = ([x, y]) => Math.hypot(x - still[0], y - still[1]);
          const factor = distance(now) / Math.max(distance(before), 1);
          zoomAt(factor, (now[0] + still[0]) / 2, (now[1] + still[1]) / 2, stage);
        }
        pointers.set(event.pointerId, now);
      });
      for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
        stage.addEventListener(end, (event) => pointers.delete(event.pointerId));
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
        const known = {
          ArrowLeft: move(-1, 0), ArrowRight: move(1, 0), ArrowUp: move(0, -1), ArrowDown: move(0, 1),
          "+": () => zoomCentre(1.25), "=": () => zoomCentre(1.25), "-": () => zoomCentre(0.8), f: fit, a: one,
        };
        const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
        const action = keys(key) ?? known[key];
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
      made.setAttribute("aria-label", label);
      made.setAttribute("aria-describedby", "keys");
      made.style.aspectRatio = `${image().width} / ${image().height}`;
      listen(made);
      return made;
    };

    for (const [id, action] of Object.entries({ in: () => zoomCentre(1.25), out: () => zoomCentre(0.8), fit, one, region })) {
      document.getElementById(id).addEventListener("click", action);
    }
    return { view, stages, zoomOf, layer, stage, draw, fit, redraw, text, recall };
  },
};
