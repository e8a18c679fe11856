// The viewer's controls: what is shown, and what the wheel, keys, buttons and rows of tables change.
function startViewer(root, page) {
  const slices = openSlices(page);
  const painter = openPainter(page, slices);
  const frame = root.querySelector("[data-frame]");
  const screen = root.querySelector("[data-screen]");
  const canvas = root.querySelector("canvas");
  const slider = root.querySelector("input");
  const status = root.querySelector("[data-status]");
  const last = page.slices.length - 1;
  const GAP = 6;
  const SIDE_BY_SIDE = 560; // CSS pixels: narrower pages have panels one above the other
  const view = {
    at: page.marks[0].at,
    window: 0,
    compare: "one",
    regions: true,
    lesion: page.lesion > 0,
    chosen: null, // a region, by its name
    pointer: null, // a pixel of a panel
  };
  let panels = [];
  let waiting = false;

  function layOut() {
    const width = screen.clientWidth;
    const kinds = { one: ["slice"], mirrored: ["slice", "mirrored"], difference: ["slice", "difference"] };
    const shown = kinds[view.compare];
    const beside = width >= SIDE_BY_SIDE;
    const [across, down] = beside ? [shown.length, 1] : [1, shown.length];
    // As a whole the viewer fits into the window.
    const room = window.innerHeight - (frame.offsetHeight - screen.offsetHeight) - 8;
    const tallest = Math.max(280, room / down - GAP);
    const wide = (width - (across - 1) * GAP) / across;
    const scale = Math.min(wide / page.columns, tallest / page.rows);
    const [panelWidth, panelHeight] = [page.columns * scale, page.rows * scale];
    const start = (width - across * panelWidth - (across - 1) * GAP) / 2;
    panels = shown.map((kind, k) => ({
      kind,
      mirrored: kind === "mirrored",
      scale,
      left: start + (beside ? k * (panelWidth + GAP) : 0),
      top: beside ? 0 : k * (panelHeight + GAP),
    }));
    const height = down * panelHeight + (down - 1) * GAP;
    const ratio = window.devicePixelRatio || 1;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }

  function draw() {
    waiting = false;
    const context = layOut();
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    panels.forEach((panel) => painter.paint(context, view, panel));
    slider.value = view.at;
    slider.setAttribute("aria-valuetext", page.slices[view.at].name);
    press("data-window", (value) => Number(value) === view.window);
    press("data-compare", (value) => value === view.compare);
    press("data-show", (value) => view[value]);
    press("data-mark", (value) => Number(value) === view.at);
    document.querySelectorAll("tr[data-region]").forEach((row) => {
      row.classList.toggle("chosen", row.dataset.region === view.chosen);
    });
    status.textContent = words();
  }

  function press(attribute, holds) {
    root.querySelectorAll(`[${attribute}]`).forEach((button) => {
      button.setAttribute("aria-pressed", String(Boolean(holds(button.getAttribute(attribute)))));
    });
  }

  function change(changes) {
    Object.assign(view, changes);
    view.at = Math.min(last, Math.max(0, view.at));
    if (!waiting) {
      waiting = true;
      window.requestAnimationFrame(draw);
    }
  }

  function words() {
    const parts = [page.slices[view.at].name];
    if (view.pointer) {
      const { x, y, mirrored } = view.pointer;
      const column = mirrored ? page.columns - 1 - x : x;
      const label = slices.slice(view.at).labels[y * page.columns + column];
      const value = page.lesion ? label % page.lesion : label;
      const region = page.regions.find((one) => one.value === value);
      if (region) parts.push(`${region.name} ${region.side}`);
      if (page.lesion && label >= page.lesion) parts.push("lesion");
      const [own, other] = slices.around(view.at, column, y).map((mean) => mean.toFixed(0));
      parts.push(`${own} ${page.unit}, other side ${other} (mean of ${page.meanMm} mm)`);
    } else if (view.chosen) parts.push(view.chosen);
    return parts.join(" · ");
  }

  // Shows a region of the tables where it is best seen.
  function choose(name) {
    const found = page.regions.filter((one) => one.name === name && one.home !== null);
    if (!found.length) return;
    const { home } = found.find((one) => one.standsOut) || found[0];
    change({ at: home, chosen: name, regions: true, pointer: null });
    frame.scrollIntoView({ block: "nearest" });
  }

  function pixelAt(event) {
    const box = canvas.getBoundingClientRect();
    for (const { left, top, scale, mirrored } of panels) {
      const x = Math.floor((event.clientX - box.left - left) / scale);
      const y = Math.floor((event.clientY - box.top - top) / scale);
      if (x >= 0 && x < page.columns && y >= 0 && y < page.rows) return { x, y, mirrored };
    }
    return null;
  }

  let rolled = 0;
  canvas.addEventListener(
    "wheel",
    (event) => {
      // A notch of a wheel is a slice; the small steps of a touch pad are added up.
      const notch = event.deltaMode !== 0 || Math.abs(event.deltaY) >= 50;
      rolled = notch ? 0 : rolled + event.deltaY;
      const steps = notch ? Math.sign(event.deltaY) : Math.trunc(rolled / 30);
      if (!notch) rolled -= 30 * steps;
      const next = view.at - steps;
      if (steps && (next < 0 || next > last)) return; // at an end the page scrolls on
      event.preventDefault();
      if (steps) change({ at: next });
    },
    { passive: false },
  );
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse") change({ pointer: pixelAt(event) });
  });
  canvas.addEventListener("pointerdown", (event) => change({ pointer: pixelAt(event) }));
  canvas.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse") change({ pointer: null });
  });

  const toggled = (name) => ({ compare: view.compare === name ? "one" : name });
  const KEYS = {
    ArrowUp: () => ({ at: view.at + 1 }),
    ArrowDown: () => ({ at: view.at - 1 }),
    PageUp: () => ({ at: view.at + 5 }),
    PageDown: () => ({ at: view.at - 5 }),
    Home: () => ({ at: 0 }),
    End: () => ({ at: last }),
    Escape: () => ({ chosen: null }),
    r: () => ({ regions: !view.regions }),
    l: () => ({ lesion: page.lesion > 0 && !view.lesion }),
    m: () => toggled("mirrored"),
    d: () => toggled("difference"),
  };
  page.windows.forEach((_, k) => {
    KEYS[k + 1] = () => ({ window: k });
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
    event.preventDefault();
    change(KEYS[event.key]());
  });
  slider.addEventListener("input", () => change({ at: Number(slider.value) }));
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { window: preset, compare, show, mark, step } = button.dataset;
    if (preset) change({ window: Number(preset) });
    if (compare) change({ compare });
    if (show) change({ [show]: !view[show] });
    if (mark) change({ at: Number(mark) });
    if (step) change({ at: view.at + Number(step) });
  });
  document.querySelectorAll("[data-region]").forEach((element) => {
    const name = element.dataset.region;
    if (!page.regions.some((one) => one.name === name && one.home !== null)) return;
    element.classList.add("leads");
    element.addEventListener("click", () => choose(name));
    const head = element.querySelector("th");
    if (!head) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "show";
    button.textContent = "show";
    button.setAttribute("aria-label", `Show ${name} in the viewer`);
    head.append(" ", button);
  });
  window.addEventListener("resize", () => change({}));
  slider.max = last;
  root.hidden = false;
  draw();
}

startViewer(
  document.getElementById("viewer"),
  JSON.parse(document.getElementById("viewer-slices").textContent),
);
