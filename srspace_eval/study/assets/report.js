"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  function draw() {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim();
    const line = style.getPropertyValue("--line").trim();
    for (const place of document.querySelectorAll("[data-figure]")) {
      const { data, layout } = structuredClone(figures[place.dataset.figure]);
      // The colour of the page's theme; shares are weaker the worse they are.
      const strong = style.getPropertyValue("--strong").trim();
      const parts = [1, 3, 5].map((at) => parseInt(strong.slice(at, at + 2), 16));
      for (const trace of data) trace.marker.color = `rgba(${parts.join(", ")}, ${trace.meta?.strength ?? 1})`;
      const axis = { gridcolor: line, zerolinecolor: line, linecolor: line };
      Plotly.react(place, data, {
        ...layout,
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        font: { family: style.fontFamily, color: ink, size: 13 },
        xaxis: { ...layout.xaxis, ...axis },
        yaxis: { ...layout.yaxis, ...axis, showgrid: false },
      }, { responsive: true, displayModeBar: false });
    }
  }
  dark.addEventListener("change", draw);
  draw();
})();
