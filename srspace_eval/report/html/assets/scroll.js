// Marks the sides on which a table goes on beyond its frame, so that a shade can stand there.
"use strict";
document.querySelectorAll(".scroll").forEach((frame) => {
  const mark = () => {
    frame.classList.toggle("more-left", frame.scrollLeft > 1);
    frame.classList.toggle("more-right", frame.scrollLeft + frame.clientWidth < frame.scrollWidth - 1);
  };
  frame.addEventListener("scroll", mark, { passive: true });
  const sizes = new ResizeObserver(mark);
  sizes.observe(frame);
  if (frame.firstElementChild) {
    sizes.observe(frame.firstElementChild);
  }
});
