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
    const EXACT_FROM = 0.7; // screen pixels for one picture pixel, from which on the exact region is shown
    // x, y: the picture's point in the upper left corner; zoom: of the first pane; fitted: the whole width is seen.
    const view = { zoom: 1, x: 0, y: 0, fitted: true };
    const stages = () => [...document.querySelectorAll(".stage")];
    const box = (stage) => stage?.getBoundingClientRect() ?? { width: 1, height: 1 };
    const size = () => {
      const { width, height } = box(stages()[0]);
      return { width: width || 1, height: height || 1 };
    };
    const least = () => size().width / image().width;
    // At whole multiples of this zoom, a pixel of the picture is a whole number of the screen's pixels, so that those that
    // are seen are those of the file. Wheel and pinch also stop in between.
    const unit = () => (Number.isInteger(devicePixelRatio) ? 1 : 1 / devicePixelRatio);
    const whole = (zoom) => Math.abs(zoom / unit() - Math.round(zoom / unit())) < 1e-6;
    // The part that a pane shows. A narrower pane shows the same, or about the same with pixels of whole size.
    const partOf = (stage) => {
      const { width, height } = box(stage);
      const ratio = width / size().width;
      if (Math.abs(ratio - 1) < 0.01 || view.fitted) {
        return { zoom: view.zoom * (Math.abs(ratio - 1) < 0.01 ? 1 : ratio), x: view.x, y: view.y, width, height };
      }
      const near = view.zoom * ratio;
      const zoom = whole(view.zoom) ? Math.max(1, Math.round(near / unit())) * unit() : near;
      const shift = (start, length, all, most) => Math.min(Math.max(start + all / view.zoom / 2 - length / zoom / 2, 0), Math.max(most - length / zoom, 0));
      return { zoom, x: shift(view.x, width, size().width, image().width), y: shift(view.y, height, size().height, image().height), width, height };
    };
    const zoomOf = (stage) => partOf(stage).zoom;

    // Around the exact region is a preview, which must not be taken for the measured pixels: a frame tells them apart, and
    // a line below the panes says what is seen.
    const border = () => {
      const state = document.getElementById("state");
      const { crop } = image();
      const exact = view.zoom * devicePixelRatio >= EXACT_FROM;
      const shrunk = `Shown at ${Math.round(100 * view.zoom)} % of its size.`;
      if (!crop) {
        state.textContent = exact ? "" : shrunk;
        return;
      }
      const seen = stages().map((stage) => {
        const { zoom, x, y, width, height } = partOf(stage);
        const [left, top] = [crop.x - x, crop.y - y];
        const [right, bottom] = [left + crop.side - width / zoom, top + crop.side - height / zoom];
        const inside = left <= 0.5 && top <= 0.5 && right >= -0.5 && bottom >= -0.5;
        const touched = left < width / zoom && top < height / zoom && left + crop.side > 0 && top + crop.side > 0;
        const frame = stage.querySelector(".exact-frame");
        frame.hidden = !exact || inside || !touched || !stage.querySelector(".exact");
        const px = (length) => `${length * zoom}px`;
        Object.assign(frame.style, { left: px(left), top: px(top), width: px(crop.side), height: px(crop.side) });
        return inside ? 2 : Number(touched);
      })[0] ?? 0;
      const here = ["This is a preview. “Exact region” shows measured pixels.", "Inside the frame are the measured pixels, around it is a preview.", "These are the measured pixels."];
      state.textContent = exact ? here[seen] : `${shrunk} “Exact region” shows measured pixels.`;
    };

    const draw = () => {
      const { width, height } = size();
      view.zoom = Math.min(Math.max(view.zoom, least()), Math.max(MOST, least()));
      view.x = Math.min(Math.max(view.x, 0), Math.max(image().width - width / view.zoom, 0));
      view.y = Math.min(Math.max(view.y, 0), Math.max(image().height - height / view.zoom, 0));
      view.fitted = view.zoom <= least() * 1.001;
      for (const stage of stages()) {
        const { zoom, x, y, ...pane } = partOf(stage);
        // While nothing can be moved, a finger scrolls the page.
        stage.style.touchAction = view.fitted ? "pan-y" : "none";
        for (const layer of stage.querySelectorAll(".layer")) {
          // In percent, so that it also fits on paper. Not as a transform: a browser draws a transformed picture between
          // the screen's pixels, which blurs it.
          const share = (length, all) => `${(100 * length * zoom) / all}%`;
          Object.assign(layer.style, {
            left: share(-x, pane.width), top: share(-y, pane.height),
            width: share(image().width, pane.width), height: share(image().height, pane.height),
          });
          // Enlarged pixels stay squares; a picture shown smaller than it is must be smoothed.
          layer.classList.toggle("crisp", zoom * devicePixelRatio * Number(layer.dataset.scale) >= 2);
          const inside = layer.querySelector(".exact");
          if (inside) {
            inside.hidden = zoom * devicePixelRatio < EXACT_FROM;
            if (!inside.hidden && !inside.src) {
              inside.src = inside.dataset.src;
            }
          }
        }
      }
      border();
      document.getElementById("zoom").textContent = `${Math.round(100 * view.zoom)}%`;
      changed();
    };
    const fit = () => {
      Object.assign(view, { zoom: 0, x: 0, y: 0 });
      draw();
    };
    const redraw = () => (view.fitted ? fit() : draw());
    const zoomAt = (factor, px, py, stage) => {
      const before = partOf(stage);
      const [x, y] = [before.x + px / before.zoom, before.y + py / before.zoom];
      view.zoom = Math.min(Math.max(view.zoom * factor, least()), Math.max(MOST, least()));
      view.fitted = view.zoom <= least() * 1.001;
      view.x = x - px / zoomOf(stage);
      view.y = y - py / zoomOf(stage);
      draw();
    };
    // A view about its centre; the whole picture about its exact region.
    const zoomTo = (zoom) => {
      const { width, height } = size();
      const { crop } = image();
      const [x, y] = crop && view.fitted
        ? [crop.x + crop.side / 2, crop.y + crop.side / 2]
        : [view.x + width / view.zoom / 2, view.y + height / view.zoom / 2];
      view.zoom = Math.min(Math.max(zoom, least()), Math.max(MOST, least()));
      view.x = x - width / view.zoom / 2;
      view.y = y - height / view.zoom / 2;
      draw();
    };
    // From 1:1 on, a step leads to a whole multiple.
    const step = (direction) => {
      const now = view.zoom / unit();
      const next = direction > 0 ? now * 1.25 : now / 1.25;
      if (Math.max(now, next) <= 1) {
        zoomTo(next * unit());
      } else if (direction > 0) {
        zoomTo((now < 1 ? 1 : Math.max(Math.round(next), Math.floor(now + 1e-6) + 1)) * unit());
      } else {
        zoomTo(Math.max(1, Math.min(Math.round(next), Math.ceil(now - 1e-6) - 1)) * unit());
      }
    };
    const one = () => zoomTo(unit() * (unit() === 1 ? 1 : Math.max(1, Math.round(devicePixelRatio))));
    const region = () => {
      const { x, y, side } = image().crop;
      const { width, height } = size();
      const zoom = Math.ceil(Math.max(width, height) / unit() / side - 0.01) * unit();
      Object.assign(view, { zoom, x: x + side / 2 - width / zoom / 2, y: y + side / 2 - height / zoom / 2, fitted: false });
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
      const multiple = Math.round(view.zoom / unit());
      if (multiple >= 1 && Math.abs(view.zoom / unit() - multiple) < 0.01 * multiple) {
        view.zoom = multiple * unit(); // the address has whole numbers only
      }
      view.fitted = false;
      view.x = x - width / view.zoom / 2;
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
        const far = size().width / view.zoom / 8;
        const move = (x, y) => () => {
          view.x += x * far;
          view.y += y * far;
          draw();
        };
        const known = {
          ArrowLeft: move(-1, 0), ArrowRight: move(1, 0), ArrowUp: move(0, -1), ArrowDown: move(0, 1),
          "+": () => step(1), "=": () => step(1), "-": () => step(-1), f: fit, a: one,
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
      if (image().crop) {
        made.append(make("div", { className: "exact-frame", hidden: true }));
      }
      made.style.aspectRatio = `${image().width} / ${image().height}`;
      listen(made);
      return made;
    };

    for (const [id, action] of Object.entries({ in: () => step(1), out: () => step(-1), fit, one, region })) {
      document.getElementById(id).addEventListener("click", action);
    }
    return { view, stages, zoomOf, layer, stage, draw, fit, redraw, text, recall };
  },
};
