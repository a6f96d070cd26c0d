"use strict";
// Wide code and tables scroll; the keyboard must reach them. Captions of the navigation are headings of level 2.
addEventListener("DOMContentLoaded", () => {
  for (const region of document.querySelectorAll("pre, table.docutils")) region.tabIndex = 0;
  for (const caption of document.querySelectorAll(".caption[role=heading]")) caption.setAttribute("aria-level", "2");
});
