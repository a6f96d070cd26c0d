// Draws the page's charts with plotly from the page's data: colours from the style sheet, labels beside the marks,
// dashes and symbols so that no chart needs its colours. Drawn anew when the theme or the width changes.
// Plotly is large: it is loaded after the rest of the page, so that the table does not wait for it.
"use strict";
(() => {
  const PLOTLY = new URL("plotly.min.js", document.currentScript.src);
  const data = JSON.parse(document.getElementById("data").textContent);
  const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "8px,2px,2px,2px", "3px,5px"];
  const SYMBOLS = ["circle", "square", "triangle-up", "diamond", "cross", "x", "triangle-down", "star"];
  const GLYPHS = ["●", "■", "▲", "◆", "✚", "✖", "▼", "★"]; // the symbols, for the names beside the lines
  const LABELLED = 8; // lines drawn with colour and name; the others stay grey and answer to the pointer
  const CONFIG = { displayModeBar: false, displaylogo: false, responsive: false, showTips: false, doubleClick: "reset" };

  // On paper the style sheet gives a chart this many pixels; the page is laid out for it only after it is drawn.
  const PAPER = { tall: { width: 640, height: 380 }, strip: { width: 300, height: 140 }, other: { width: 300, height: 230 } };
  let printing = false;
  const size = (element) => {
    if (!printing) {
      return { width: element.clientWidth, height: element.clientHeight };
    }
    return PAPER[["tall", "strip"].find((name) => element.classList.contains(name)) ?? "other"];
  };

  const style = () => {
    const computed = getComputedStyle(document.documentElement);
    const colour = (name) => computed.getPropertyValue(`--${name}`).trim();
    return {
      colour,
      series: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => colour(`s${n}`)),
      font: getComputedStyle(document.body).fontFamily,
    };
  };

  const axis = (s, title, more = {}) => ({
    title: { text: title, font: { size: 13, color: s.colour("soft") }, standoff: 8 },
    gridcolor: s.colour("hair"),
    linecolor: s.colour("soft"),
    tickfont: { size: 12, color: s.colour("soft") },
    zeroline: false,
    automargin: true,
    ...more,
  });

  const layout = (element, s, more) => ({
    ...(printing ? size(element) : { width: undefined, height: undefined }),
    font: { family: s.font, size: 13, color: s.colour("ink") },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 52, r: 16, t: 12, b: 46 },
    showlegend: false,
    hovermode: "closest",
    hoverlabel: {
      bgcolor: s.colour("ink"),
      bordercolor: s.colour("ink"),
      font: { family: s.font, size: 13, color: s.colour("paper") },
      align: "left",
      namelength: -1,
    },
    ...more,
  });

  const width = (text) => 7 * text.replace(/&[a-z]+;/g, "x").replace(/[\u2066-\u2069]/g, "").length + 6;

  // --- LPIPS against S_M

  // The points of each front, in the order of its line. Numbers of different sources do not compare with each other.
  const fronts = (points) =>
    [...new Set(points.map((p) => p.source))]
      .map((source) => points.filter((p) => p.front && p.source === source).sort((a, b) => a.x - b.x || a.y - b.y))
      .filter((front) => front.length > 1);

  // Each name is put where it covers no other name, mark or front. The leading rows are placed first. If all places near
  // their mark are taken, a line leads to a name farther away. A name covers a front only if no other place is left.
  const LEADERS = 5;
  const place = (points, scale) => {
    const taken = points.map((p) => [scale.x(p.x) - 7, scale.y(p.y) - 7, scale.x(p.x) + 7, scale.y(p.y) + 7]);
    const side = (a, b, c) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
    const crosses = (a, b, c, d) => side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b);
    const over = ([left, top, right, bottom], a, b) =>
      [[left, top, right, bottom], [left, bottom, right, top]].some(([x0, y0, x1, y1]) => crosses([x0, y0], [x1, y1], a, b));
    const steps = fronts(points).flatMap((front) => front.slice(1).map((p, n) =>
      [front[n], p].map((q) => [scale.x(q.x), scale.y(q.y)])));
    let avoided = steps;
    const free = (box) => {
      const [left, top, right, bottom] = box;
      return left >= 0 && right <= scale.width && top >= 0 && bottom <= scale.height &&
        taken.every((t) => right < t[0] || left > t[2] || bottom < t[1] || top > t[3]) &&
        avoided.every(([a, b]) => !over(box, a, b));
    };
    const PLACES = {
      "middle right": (x, y, w) => [x + 8, y - 8, x + 8 + w, y + 8],
      "middle left": (x, y, w) => [x - 8 - w, y - 8, x - 8, y + 8],
      "top center": (x, y, w) => [x - w / 2, y - 25, x + w / 2, y - 8],
      "bottom center": (x, y, w) => [x - w / 2, y + 8, x + w / 2, y + 25],
    };
    const near = (x, y, w) => {
      for (const [name, box] of Object.entries(PLACES)) {
        if (free(box(x, y, w))) {
          taken.push(box(x, y, w));
          return { near: name };
        }
      }
      return null;
    };
    // Lines from names to their marks cross neither one another nor other names.
    const drawn = [];
    const clear = (mark, end) =>
      drawn.every(([a, b]) => !crosses(a, b, mark, end)) &&
      taken.every((box) => (mark[0] > box[0] && mark[0] < box[2] && mark[1] > box[1] && mark[1] < box[3]) || !over(box, mark, end));
    const far = (x, y, w, reach) => {
      for (let distance = 26; distance < reach; distance += 9) {
        for (let turn = 0; turn < 24; turn += 1) {
          const ax = distance * Math.cos((turn * Math.PI) / 12);
          const ay = -distance * Math.sin((turn * Math.PI) / 12);
          const box = [x + ax - w / 2, y + ay - 9, x + ax + w / 2, y + ay + 9];
          if (free(box) && clear([x, y], [x + ax, y + ay]) && drawn.every(([a, b]) => !over(box, a, b))) {
            taken.push(box);
            drawn.push([[x, y], [x + ax, y + ay]]);
            return { ax, ay };
          }
        }
      }
      return null;
    };
    const teams = points.map((p, number) => number).filter((number) => points[number].kind === "team");
    const leaders = new Set((teams.length ? teams : points.map((_, number) => number)).slice(0, LEADERS));
    // The names beside their marks first, so that no line has to pass them; then those of the leaders, then the others.
    const at = points.map((p) => [scale.x(p.x), scale.y(p.y), width(p.name)]);
    const found = at.map((one) => near(...one));
    const missing = points.map((p, number) => number).filter((number) => !found[number]);
    missing.sort((a, b) => leaders.has(b) - leaders.has(a) || a - b);
    for (const number of missing) {
      const reach = leaders.has(number) ? scale.width : Math.min(170, scale.width / 2);
      for (avoided of [steps, []]) {
        found[number] ??= near(...at[number]) ?? far(...at[number], reach);
      }
      found[number] ??= leaders.has(number) ? { ax: 0, ay: -34 } : null;
    }
    return found;
  };

  const padded = (values, share) => {
    const low = Math.min(...values);
    const high = Math.max(...values);
    const edge = (high - low || Math.abs(high) || 1) * share;
    return [low - edge, high + edge];
  };

  const scatter = (element, s) => {
    const { points, x, y } = data.scatter;
    const xs = padded(points.map((p) => p.x), 0.08);
    const ys = padded(points.map((p) => p.y), 0.09);
    const [w, h] = [size(element).width - 68, size(element).height - 58];
    const places = place(points, {
      width: w,
      height: h,
      x: (value) => ((value - xs[0]) / (xs[1] - xs[0])) * w,
      y: (value) => ((ys[1] - value) / (ys[1] - ys[0])) * h,
    });
    const groups = new Map();
    points.forEach((p, number) => {
      const name = `${p.kind} ${p.source === "measured"}`;
      groups.set(name, [...(groups.get(name) ?? []), number]);
    });
    const traces = [...groups].map(([name, numbers]) => {
      const team = name.startsWith("team");
      const filled = name.endsWith("true");
      const colour = s.colour(team ? "accent" : "warm");
      const list = numbers.map((number) => points[number]);
      return {
        type: "scatter",
        mode: "markers+text",
        x: list.map((p) => p.x),
        y: list.map((p) => p.y),
        // The space keeps the name off its mark.
        text: numbers.map((number) => (places[number]?.near ? `\u00a0${points[number].name}\u00a0` : "")),
        textposition: numbers.map((number) => places[number]?.near ?? "middle right"),
        textfont: { color: s.colour(team ? "ink" : "soft"), size: 12.5 },
        customdata: list.map((p) => [p.hover, p.page]),
        hovertemplate: "%{customdata[0]}<extra></extra>",
        cliponaxis: false,
        marker: {
          symbol: (team ? "circle" : "diamond") + (filled ? "" : "-open"),
          size: points.length > 60 ? 8 : 11,
          color: colour,
          line: { color: filled ? s.colour("panel") : colour, width: filled ? 1 : 2 },
        },
      };
    });
    for (const front of fronts(points)) {
      traces.unshift({
        type: "scatter", mode: "lines", x: front.map((p) => p.x), y: front.map((p) => p.y), hoverinfo: "skip",
        line: { color: s.colour("soft"), width: 1.5, dash: "dot" }, cliponaxis: false,
      });
    }
    const annotations = points.flatMap((p, number) => (places[number]?.ax === undefined ? [] : [{
      x: p.x, y: p.y, ax: places[number].ax, ay: places[number].ay, text: p.name, showarrow: true, arrowhead: 0,
      arrowwidth: 1, arrowcolor: s.colour("soft"), standoff: 6, font: { size: 12.5, color: s.colour("ink") },
    }]));
    // Names that found no place are not lost: they stand below the chart.
    const rest = points.filter((_, number) => !places[number]);
    // A published row may have the name of a team of this board.
    const full = (p) => decoded(p.name) + (p.source === "published" && points.some((q) => q !== p && q.name === p.name) ? " (published)" : "");
    const decoded = (name) => new DOMParser().parseFromString(name, "text/html").documentElement.textContent;
    document.getElementById("unlabelled").textContent = rest.length
      ? `Marks without a name, for lack of room: ${rest.map(full).join(", ")}. Point at a mark to see its name.` : "";
    Plotly.react(
      element,
      traces,
      layout(element, s, { annotations, xaxis: axis(s, x, { range: xs }), yaxis: axis(s, y, { range: ys }) }),
      CONFIG,
    );
  };

  // --- S_1..S_M
  const lines = (element, s, chart) => {
    const bold = chart.lines.slice(0, LABELLED);
    const length = Math.max(...chart.lines.map((line) => line.y.length));
    const n = Array.from({ length }, (_, k) => k + 1);
    const last = (line) => line.y.findLast((value) => value !== null) ?? 0;
    const top = Math.max(...chart.lines.flatMap((line) => line.y), 1e-6) * 1.06;
    const low = Math.min(0, ...chart.lines.flatMap((line) => line.y.filter((value) => value !== null)));
    // The others are one trace with gaps: hundreds of traces would be slow.
    const rest = chart.lines.slice(LABELLED);
    const grey = {
      type: "scatter", mode: "lines", opacity: 0.4, line: { color: s.colour("soft"), width: 1 },
      x: rest.flatMap(() => [...n, null]),
      y: rest.flatMap((line) => [...n.map((k) => line.y[k - 1] ?? null), null]),
      text: rest.flatMap((line) => [...n.map(() => line.name), ""]),
      hovertemplate: "%{text}<br>n = %{x}: %{y:.2f} %<extra></extra>",
    };
    const strong = bold.map((line, k) => ({
      type: "scatter", mode: "lines+markers", x: n, y: line.y, name: line.name,
      line: { color: s.series[k], width: 2, dash: DASHES[k] },
      marker: { symbol: SYMBOLS[k], size: 7, color: s.series[k], maxdisplayed: 10 },
      hovertemplate: "<b>%{fullData.name}</b><br>n = %{x}: %{y:.2f} %<extra></extra>",
      cliponaxis: false,
    }));
    // Names at the lines' ends, pushed apart where they would cover one another.
    const height = size(element).height - 58;
    const gap = 16;
    const ends = bold
      .map((line, k) => ({ k, at: (1 - (last(line) - low) / (top - low)) * height }))
      .sort((a, b) => a.at - b.at);
    ends.forEach((end, place) => {
      end.to = place ? Math.max(end.at, ends[place - 1].to + gap) : end.at;
    });
    let limit = height;
    for (const end of [...ends].reverse()) {
      end.to = Math.min(end.to, limit);
      limit = end.to - gap;
    }
    const room = Math.min(Math.max(...bold.map((line) => width(line.name))) + 40, size(element).width * 0.42);
    const cut = (name) => (width(name) > room - 32 && !name.includes("&") ? `${name.slice(0, Math.floor((room - 46) / 7))}…` : name);
    const annotations = ends.map((end) => ({
      xref: "paper", x: 1, xanchor: "left", xshift: 10,
      yref: "paper", y: 1 - end.to / height, yanchor: "middle",
      text: `${GLYPHS[end.k]} ${cut(bold[end.k].name)}`, showarrow: false, font: { size: 12.5, color: s.series[end.k] },
    }));
    Plotly.react(
      element,
      [grey, ...strong],
      layout(element, s, {
        margin: { l: 52, r: room, t: 12, b: 46 },
        annotations,
        xaxis: axis(s, "samples n", { range: [1, Math.max(length, 2)], dtick: length > 12 ? undefined : 1 }),
        yaxis: axis(s, chart.y, { range: [low, top] }),
      }),
      CONFIG,
    );
  };

  // --- one submission
  const growth = (element, s, chart) => {
    const n = chart.mean.map((_, k) => k + 1);
    const edge = { type: "scatter", mode: "lines", x: n, line: { width: 0 }, hoverinfo: "skip" };
    Plotly.react(
      element,
      [
        { ...edge, y: chart.low },
        { ...edge, y: chart.high, fill: "tonexty", fillcolor: s.colour("accent-soft") },
        {
          type: "scatter", mode: "lines+markers", x: n, y: chart.mean, customdata: n.map((_, k) => [chart.low[k], chart.high[k]]),
          line: { color: s.colour("accent"), width: 2 }, marker: { size: 6 },
          hovertemplate: "n = %{x}: mean %{y:.2f} %<br>middle half %{customdata[0]:.2f} – %{customdata[1]:.2f} %<extra></extra>",
        },
      ],
      layout(element, s, { xaxis: axis(s, "samples n", { dtick: n.length > 12 ? undefined : 1 }), yaxis: axis(s, chart.y) }),
      CONFIG,
    );
  };

  const strip = (element, s, chart) => {
    Plotly.react(
      element,
      [{
        type: "box", orientation: "h", x: chart.values, text: chart.images, boxpoints: "all", jitter: 0.6, pointpos: -2, // below the box, free of it
        hovertemplate: `<b>%{text}</b><br>%{x:.${chart.digits}f}<extra></extra>`, hoveron: "points",
        marker: { size: 6, color: s.colour("accent"), opacity: 0.65 },
        line: { color: s.colour("accent"), width: 1.5 }, fillcolor: s.colour("accent-soft"), width: 0.5,
      }],
      layout(element, s, {
        margin: { l: 12, r: 12, t: 6, b: 44 },
        xaxis: axis(s, chart.label),
        yaxis: { visible: false, range: [-0.8, 0.4], fixedrange: true },
      }),
      CONFIG,
    );
  };

  // --- the page
  const draw = () => {
    const s = style();
    const found = document.getElementById("scatter");
    if (found) {
      scatter(found, s);
    }
    for (const chart of data.curves ?? []) {
      lines(document.getElementById(chart.id), s, chart);
    }
    document.querySelectorAll("[data-growth]").forEach((e) => growth(e, s, data.growth[e.dataset.growth]));
    document.querySelectorAll("[data-strip]").forEach((e) => strip(e, s, data.strips[e.dataset.strip]));
  };
  const start = () => {
    draw();
    document.getElementById("scatter")?.on("plotly_click", (event) => {
      const page = event.points[0].customdata[1];
      if (page) {
        location.href = page;
      }
    });
    document.addEventListener("themechange", (event) => {
      printing = event.detail === "print";
      draw();
    });
    let drawn = innerWidth;
    let timer = 0;
    addEventListener("resize", () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (innerWidth !== drawn) {
          drawn = innerWidth;
          draw();
        }
      }, 150);
    });
    document.documentElement.dataset.charts = "drawn";
  };
  addEventListener("load", () => {
    const script = document.createElement("script");
    script.src = PLOTLY;
    script.addEventListener("load", start);
    document.head.append(script);
  });
})();
