"use strict";
// The pictures of the task that is shown. A picture that fails is asked for again, and the rater is told.

const RETRY_MS = [500, 2000, 5000]; // then always the last

class Pictures {
  // changed(ready, failed): called when a picture has loaded or failed, and when a task begins.
  constructor(changed) {
    this.changed = changed;
    this.images = new Map(); // image -> number of failures
  }

  // All pictures have loaded.
  get ready() { return [...this.images.keys()].every((image) => image.complete && image.naturalWidth > 0); }
  get failed() { return [...this.images].some(([image, failures]) => failures && !image.naturalWidth); }

  // Another task: forget the pictures of the one before.
  begin() {
    this.forget(this.images.keys());
    this.tell();
  }

  forget(images) {
    for (const image of [...images]) {
      image.onload = image.onerror = null;
      this.images.delete(image);
    }
  }

  // loaded(): called when this picture is there.
  show(image, name, loaded = () => {}) {
    this.images.set(image, 0);
    image.onload = () => { loaded(); this.tell(); };
    const failed = () => {
      const failures = this.images.get(image) + 1;
      this.images.set(image, failures);
      this.tell();
      setTimeout(() => {
        if (image.onerror === failed) image.src = `images/${name}.png`; // else it shows another picture by now
      }, RETRY_MS[Math.min(failures, RETRY_MS.length) - 1]);
    };
    image.onerror = failed;
    image.src = `images/${name}.png`;
    this.tell();
  }

  tell() { this.changed(this.ready, this.failed); }
}
