// Sorting, filtering, and unfolding of the page's main tables. Without this script the table is complete.
"use strict";
document.querySelectorAll("form.filters").forEach((form) => {
  const FIRST = 40; // rows shown before "show all"
  const suffix = form.dataset.for.replace(/^(board|images)/, ""); // a page may have several boards
  const get = (id) => document.getElementById(id + suffix);
  const table = document.getElementById(form.dataset.for);
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const original = new Map(rows.map((row, place) => [row, place]));
  const filter = get("filter");
  const boxes = [...form.querySelectorAll("input[name=group]")];
  const count = get("count");
  const all = get("all");
  const intervals = get("intervals");
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const folded = (text) => text.normalize("NFKC").toLocaleLowerCase();
  const nothing = document.createElement("p");
  nothing.className = "nothing";
  table.closest(".scroll").after(nothing);
  let everything = false;

  // --- sorting
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.t !== undefined) {
      return cell.dataset.t || null; // a text that a team declared
    }
    return cell.dataset.v === undefined ? row.dataset.name : cell.dataset.v === "" ? null : Number(cell.dataset.v);
  };
  const compare = (a, b) => (typeof a === "string" ? collator.compare(a, b) : a < b ? -1 : a > b ? 1 : 0);

  // --- the address keeps sort, filter and view: #board.q=name&board.hide=baseline&board.sort=3d
  const name = form.dataset.for;
  let sorted = "";
  const remember = () => {
    const words = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
    const view = {
      q: filter.value.trim(),
      hide: boxes.filter((box) => !box.checked).map((box) => box.value).join("."),
      sort: sorted,
      intervals: intervals?.checked ? "1" : "",
    };
    for (const [key_, value] of Object.entries(view)) {
      if (value) {
        words.set(`${name}.${key_}`, value);
      } else {
        words.delete(`${name}.${key_}`);
      }
    }
    try {
      history.replaceState(null, "", `${words}` ? `#${words}` : location.pathname + location.search);
    } catch {
      // Some browsers refuse this on pages from the disk.
    }
  };
  const recall = () => {
    const words = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
    const of = (key_) => words.get(`${name}.${key_}`) ?? "";
    filter.value = of("q");
    const hidden = new Set(of("hide").split("."));
    boxes.forEach((box) => (box.checked = !hidden.has(box.value)));
    if (intervals) {
      intervals.checked = of("intervals") === "1";
      table.classList.toggle("intervals", intervals.checked);
    }
    const match = /^(\d{1,3})(a|d)$/.exec(of("sort"));
    if (match && heads[match[1]]) {
      sort(Number(match[1]), match[2] === "a" ? "ascending" : "descending");
    }
  };

  const sort = (column, direction) => {
    sorted = `${column}${direction === "ascending" ? "a" : "d"}`;
    const sign = direction === "ascending" ? 1 : -1;
    rows.sort((one, other) => {
      const a = key(one, column);
      const b = key(other, column);
      if (a === null || b === null) {
        // Values that were not measured come last in either direction.
        return (a === null) - (b === null) || original.get(one) - original.get(other);
      }
      return sign * compare(a, b) || original.get(one) - original.get(other);
    });
    for (const row of rows) {
      const unfolded = row.nextElementSibling;
      body.append(row);
      if (unfolded && unfolded.classList.contains("samples") && unfolded.dataset.of === row.dataset.image) {
        body.append(unfolded);
      }
    }
    heads.forEach((head, number) => head.setAttribute("aria-sort", number === column ? direction : "none"));
    show();
  };

  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const first = head.dataset.first === "desc" ? "descending" : "ascending";
    const second = first === "descending" ? "ascending" : "descending";
    head.setAttribute("aria-sort", "none");
    head.querySelector("button").addEventListener("click", () => {
      sort(column, head.getAttribute("aria-sort") === first ? second : first);
      remember();
    });
  });

  // The page is written in the order of the places.
  if (table.matches(".board:not(.unfinished)")) {
    heads[0].setAttribute("aria-sort", "ascending");
  }

  // --- a table that fits needs no scrolling of its own, so that its heading can stay in view while the page scrolls.
  // One that does not gets a tighter heading first.
  const frame = table.closest(".scroll.main");
  const fit = () => {
    if (!frame) {
      return;
    }
    const wide = () => frame.scrollWidth > frame.clientWidth;
    frame.classList.remove("fits", "tight");
    frame.classList.toggle("tight", wide());
    frame.classList.toggle("fits", !wide() && innerWidth > 736);
    frame.style.setProperty("--place", `${heads[0].offsetWidth}px`);
  };
  addEventListener("resize", fit);

  // --- filtering
  function show() {
    const wanted = folded(filter.value.trim());
    const groups = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let matching = 0;
    for (const row of rows) {
      const match = (!boxes.length || groups.has(row.dataset.group)) && folded(row.dataset.name).includes(wanted);
      row.hidden = !match;
      matching += match;
      row.classList.toggle("beyond", match && !everything && matching > FIRST);
      const unfolded = body.querySelector(`tr.samples[data-of="${row.dataset.image}"]`);
      if (unfolded) {
        unfolded.hidden = row.hidden || row.classList.contains("beyond");
      }
    }
    nothing.hidden = matching > 0;
    nothing.textContent = wanted ? `Nothing matches “${filter.value.trim()}”.` : "All rows are hidden.";
    const what = (form.dataset.for === "images" ? "image" : "row") + (rows.length === 1 ? "" : "s");
    count.textContent = matching === rows.length ? `${rows.length} ${what}` : `${matching} of ${rows.length} ${what}`;
    all.hidden = everything || matching <= FIRST;
    all.textContent = `Show all ${matching} ${what}`;
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  const changed = () => {
    show();
    remember();
  };
  filter.addEventListener("input", changed);
  boxes.forEach((box) => box.addEventListener("change", changed));
  all.addEventListener("click", () => {
    everything = true;
    show();
    filter.focus();
  });
  if (intervals) {
    intervals.addEventListener("change", () => {
      table.classList.toggle("intervals", intervals.checked);
      fit();
      remember();
    });
  }

  // --- the samples of one image
  const data = JSON.parse(document.getElementById("data").textContent).samples;
  const element = (tag, text, attributes = {}) => {
    const made = document.createElement(tag);
    made.textContent = text;
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    return made;
  };
  const unfold = (row) => {
    const image = data.images[row.dataset.image];
    const inner = document.createElement("table");
    inner.append(element("caption", `Samples of ${row.dataset.name}`, { class: "sr" }));
    const head = inner.createTHead().insertRow();
    head.append(element("th", "Sample", { scope: "col" }));
    data.metrics.forEach((m) => head.append(element("th", m.unit ? `${m.label} (${m.unit})` : m.label, { scope: "col" })));
    const list = inner.createTBody();
    image.files.forEach((file, number) => {
      const line = list.insertRow();
      line.append(element("th", file, { scope: "row" }));
      image.values[number].forEach((value) => line.append(element("td", value)));
    });
    const made = document.createElement("tr");
    made.className = "samples";
    made.dataset.of = row.dataset.image;
    const cell = made.insertCell();
    cell.colSpan = row.cells.length;
    cell.append(inner);
    row.after(made);
  };
  if (data) {
    for (const row of rows) {
      const button = element("button", "▸", { type: "button", class: "unfold", "aria-expanded": "false" });
      button.setAttribute("aria-label", `Samples of ${row.dataset.name}`);
      button.addEventListener("click", () => {
        const open = button.getAttribute("aria-expanded") === "true";
        if (open) {
          row.nextElementSibling.remove();
        } else {
          unfold(row);
        }
        button.setAttribute("aria-expanded", String(!open));
        button.textContent = open ? "▸" : "▾";
      });
      row.cells[0].prepend(button);
    }
  }
  recall();
  show();
  fit();
});
