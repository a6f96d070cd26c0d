// Results per image: one metric at a time, sorted by an image's name or a submission's value, filtered by name.
"use strict";
(() => {
  const get = (id) => document.getElementById(id);
  const sections = [...document.querySelectorAll("section[data-metric]")];
  const links = [...document.querySelectorAll("#metrics a")];
  const filter = get("filter");
  const pictured = get("pictured");
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const folded = (text) => text.normalize("NFKC").toLocaleLowerCase();
  // sort: a column's number and whether the best (b), the worst (w), or names up (a) or down (d) come first.
  const state = { metric: "", sort: "" };

  const tables = new Map(sections.map((section) => {
    const table = section.querySelector("table");
    const rows = [...table.tBodies[0].rows];
    return [section.dataset.metric, { section, table, rows, heads: [...table.tHead.rows[0].cells], lower: table.dataset.better === "lower" }];
  }));

  const order = ({ table, rows, heads, lower }) => {
    const [, column, way] = /^(\d+)([abdw])$/.exec(state.sort) ?? ["", "0", "a"];
    const number = Number(column);
    const up = number === 0 ? way !== "d" : (way === "b") === lower;
    const value = (row) => (row.cells[number].dataset.v ? Number(row.cells[number].dataset.v) : null);
    const sorted = [...rows].sort((one, other) => {
      if (number === 0) {
        return (up ? 1 : -1) * collator.compare(one.dataset.name, other.dataset.name);
      }
      const [a, b] = [value(one), value(other)];
      // Values that were not measured come last in either direction.
      return a === null || b === null ? (a === null) - (b === null) : (up ? a - b : b - a) || 0;
    });
    table.tBodies[0].append(...(state.sort ? sorted : rows));
    heads.forEach((head, n) => head.setAttribute("aria-sort", state.sort && n === number ? (up ? "ascending" : "descending") : "none"));
  };

  const show = () => {
    const wanted = folded(filter.value.trim());
    for (const [metric, entry] of tables) {
      entry.section.hidden = metric !== state.metric;
      let matching = 0;
      for (const row of entry.rows) {
        row.hidden = !folded(row.dataset.name).includes(wanted) || (pictured?.checked && !row.dataset.pictured);
        matching += !row.hidden;
      }
      order(entry);
      const what = entry.rows.length === 1 ? "image" : "images";
      get("count").textContent = matching === entry.rows.length ? `${matching} ${what}` : `${matching} of ${entry.rows.length} ${what}`;
    }
    links.forEach((link) => link.setAttribute("aria-current", String(link.dataset.metric === state.metric)));
  };
  const remember = () => {
    const first = sections[0].dataset.metric;
    const view = { metric: state.metric === first ? "" : state.metric, q: filter.value.trim(), sort: state.sort, pictured: pictured?.checked ? "1" : "" };
    const words = new URLSearchParams(Object.entries(view).filter(([, value]) => value));
    try {
      history.replaceState(null, "", `${words}` ? `#${words}` : location.pathname + location.search);
    } catch {
      // Some browsers refuse this on pages from the disk.
    }
  };
  const recall = () => {
    const words = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
    const metric = words.get("metric") ?? location.hash.replace(/^#metric-/, "");
    state.metric = tables.has(metric) ? metric : sections[0].dataset.metric;
    filter.value = words.get("q") ?? "";
    const columns = tables.get(state.metric).heads.length;
    const sort = /^(\d{1,3})([abdw])$/.exec(words.get("sort") ?? "");
    state.sort = sort && Number(sort[1]) < columns ? sort[0] : "";
    if (pictured) {
      pictured.checked = words.get("pictured") === "1";
    }
    show();
  };
  const changed = () => {
    show();
    remember();
  };

  for (const { heads } of tables.values()) {
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const [first, second] = column === 0 ? ["a", "d"] : ["b", "w"];
      state.sort = `${column}${state.sort === `${column}${first}` ? second : first}`;
      changed();
    }));
  }
  links.forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    state.metric = link.dataset.metric;
    changed();
  }));
  filter.addEventListener("input", changed);
  pictured?.addEventListener("change", changed);
  get("controls").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", recall);
  get("controls").hidden = false;
  recall();
})();
