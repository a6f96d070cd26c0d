// Runs before the page is drawn, so that a remembered theme does not flash. Storage may be forbidden; then the
// choice holds for the page.
"use strict";
(() => {
  const KEY = "srspace-eval-theme";
  const NAMES = ["system", "light", "dark"];
  const root = document.documentElement;
  root.dataset.script = "on"; // what unfolds on demand is folded only where it can unfold

  const remembered = () => {
    try {
      const name = localStorage.getItem(KEY);
      return NAMES.includes(name) ? name : "system";
    } catch {
      return "system";
    }
  };
  let name = remembered();

  const apply = () => {
    if (name === "system") {
      delete root.dataset.theme;
    } else {
      root.dataset.theme = name;
    }
    const label = document.getElementById("theme-name");
    if (label) {
      label.textContent = name;
    }
  };
  apply();

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    button.hidden = false;
    apply();
    button.addEventListener("click", () => {
      name = NAMES[(NAMES.indexOf(name) + 1) % NAMES.length];
      try {
        localStorage.setItem(KEY, name);
      } catch {
        // Not remembered, but applied.
      }
      apply();
      document.dispatchEvent(new Event("themechange"));
    });
  });
  // On the next sheet a table's heading is repeated, its buttons are not: on paper their text stands in their place.
  const onPaper = (wanted) => {
    document.querySelectorAll("thead .paper").forEach((one) => one.remove());
    document.querySelectorAll(wanted ? "thead button" : "nothing").forEach((button) => {
      const text = document.createElement("div");
      text.className = `${button.className} paper`;
      text.append(...[...button.childNodes].map((one) => one.cloneNode(true)));
      button.after(text);
    });
  };
  // Paper is light and narrow: the charts are drawn for it and back again.
  addEventListener("beforeprint", () => {
    onPaper(true);
    root.dataset.theme = "light";
    document.dispatchEvent(new CustomEvent("themechange", { detail: "print" }));
  });
  addEventListener("afterprint", () => {
    onPaper(false);
    apply();
    document.dispatchEvent(new Event("themechange"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    document.dispatchEvent(new Event("themechange"));
  });
})();
