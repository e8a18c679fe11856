// How slices are painted: grey values in a window, lesions and differences laid over them, outlines
// and names in the colours of the page.
function openPainter(page, slices) {
  const { rows, columns } = page;
  const DARKER = [64, 128, 255];
  const BRIGHTER = [255, 140, 32];
  const FONT = '"Helvetica Neue", Arial, "Liberation Sans", sans-serif';
  const buffers = new Map();
  const coloured = (text) => [1, 3, 5].map((k) => parseInt(text.slice(k, k + 2), 16));

  function greyOf({ level, width }) {
    return Uint8Array.from({ length: 256 }, (_, stored) => {
      const value = page.lowest + page.step * stored;
      return Math.min(1, Math.max(0, (value - level) / width + 0.5)) * 255 + 0.5;
    });
  }

  // What is laid over a pixel: a colour and its share, or nothing.
  function layerOf(view, kind) {
    const found = kind === "difference" ? slices.difference(view.at) : null;
    if (found) {
      const { from, to } = page.difference;
      return (k) => {
        const share = (Math.abs(found[k]) - from) / (to - from);
        if (!(share > 0)) return null;
        return { colour: found[k] < 0 ? DARKER : BRIGHTER, share: 0.75 * Math.min(1, share) };
      };
    }
    const { labels } = slices.slice(view.at);
    const lesion = { colour: coloured(page.lesionColour), share: 0.42 };
    const chosen = new Map();
    page.regions.forEach(({ value, name, colour }) => {
      if (name === view.chosen) chosen.set(value, { colour: coloured(colour), share: 0.22 });
    });
    return (k) => {
      const label = labels[k];
      if (!label) return null;
      if (page.lesion && label >= page.lesion && view.lesion) return lesion;
      return chosen.get(page.lesion ? label % page.lesion : label);
    };
  }

  // The pixels of a panel, painted anew only where what they show has changed.
  function pixelsOf(view, { kind, mirrored }) {
    const shown = [view.at, view.window, view.lesion, view.chosen].join();
    if (!buffers.has(kind)) {
      const canvas = document.createElement("canvas");
      canvas.width = columns;
      canvas.height = rows;
      buffers.set(kind, { canvas, shown: "" });
    }
    const buffer = buffers.get(kind);
    if (buffer.shown === shown) return buffer.canvas;
    buffer.shown = shown;
    const context = buffer.canvas.getContext("2d");
    const image = context.createImageData(columns, rows);
    const { values } = slices.slice(view.at);
    const grey = greyOf(page.windows[view.window]);
    const layer = layerOf(view, kind);
    for (let k = 0; k < rows * columns; k += 1) {
      const from = mirrored ? slices.mirror(k) : k;
      const shade = grey[values[from]];
      const over = layer(from);
      for (let channel = 0; channel < 3; channel += 1) {
        image.data[4 * k + channel] = over
          ? shade + (over.colour[channel] - shade) * over.share
          : shade;
      }
      image.data[4 * k + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    return buffer.canvas;
  }

  function write(context, text, x, y, { size = 13, align = "left", colour = "#d8d8d8" } = {}) {
    context.font = `${size === 13 ? "" : "700 "}${size}px ${FONT}`;
    context.textAlign = align;
    context.textBaseline = "alphabetic";
    context.lineJoin = "round";
    context.lineWidth = 3;
    context.strokeStyle = "#000";
    context.strokeText(text, x, y);
    context.fillStyle = colour;
    context.fillText(text, x, y);
  }

  function stroke(context, path, scale, widthsAndColours) {
    context.lineCap = "round";
    widthsAndColours.forEach(([width, colour]) => {
      context.lineWidth = width / scale;
      context.strokeStyle = colour;
      context.stroke(path);
    });
  }

  function outline(context, view, { scale, mirrored, left, top }) {
    const parts = slices.outlines(view.at);
    context.save();
    context.translate(left + (mirrored ? columns * scale : 0), top);
    context.scale(mirrored ? -scale : scale, scale);
    if (view.regions) {
      // Those that stand out last, so that no neighbour's line lies on theirs.
      const drawn = page.regions.filter(({ value }) => parts.has(value));
      drawn.sort((one, other) => one.standsOut - other.standsOut);
      drawn.forEach(({ value, colour, name, standsOut }) => {
        const wide = standsOut ? 4.2 : name === view.chosen ? 2.6 : 1.6;
        const lines = [
          [wide + 1.5, "#000"],
          [wide, colour],
        ];
        if (standsOut) lines.push([1, "#fff"]);
        stroke(context, parts.get(value).path, scale, lines);
      });
    }
    if (view.lesion && parts.has(page.lesion)) {
      stroke(context, parts.get(page.lesion).path, scale, [[1.5, page.lesionColour]]);
    }
    context.restore();
    if (view.regions) {
      page.regions.forEach(({ value, name, standsOut }) => {
        if (!parts.has(value) || parts.get(value).count * page.pixelMm ** 2 < page.namedFromMm2) return;
        const [x, y] = parts.get(value).name;
        const place = [left + (mirrored ? columns - x : x) * scale, top + y * scale];
        label(context, name, place, standsOut, scale / page.pixelMm);
      });
    }
  }

  function label(context, name, [x, y], standsOut, perMm) {
    const size = Math.max(9, Math.min(12, 4.5 * perMm)); // as far as small regions have room
    if (standsOut) {
      context.font = `700 ${size}px ${FONT}`;
      const half = context.measureText(name).width / 2 + size / 5;
      context.fillStyle = "#fff";
      context.fillRect(x - half, y - 0.6 * size, 2 * half, 1.2 * size);
      context.textAlign = "center";
      context.textBaseline = "alphabetic";
      context.fillStyle = "#000";
      context.fillText(name, x, y + 0.37 * size);
    } else write(context, name, x, y + 0.37 * size, { size, align: "center", colour: "#fff" });
  }

  function marks(context, view, { kind, mirrored, scale, left, top }) {
    const right = left + columns * scale;
    const bottom = top + rows * scale;
    write(context, mirrored ? "L" : "R", left + 10, top + 24, { size: 17 });
    write(context, mirrored ? "R" : "L", right - 10, top + 24, { size: 17, align: "right" });
    const named = page.marks.find(({ at }) => at === view.at);
    const title = { mirrored: "mirror image", difference: "this side less the other" }[kind];
    const { name, level, width } = page.windows[view.window];
    const lines = [
      `${named ? `${named.name} ` : ""}${page.slices[view.at].name}`,
      `${name}  ${level} / ${width} ${page.unit}`,
    ];
    if (title) lines.unshift(title);
    lines.forEach((line, k) => {
      write(context, line, left + 10, bottom - 10 - 17 * (lines.length - 1 - k));
    });
    if (kind === "difference") scaleOfColours(context, right, bottom);
    else ruler(context, scale, right, bottom);
  }

  function ruler(context, scale, right, bottom) {
    const length = (50 / page.pixelMm) * scale;
    const ends = [right - 12 - length, right - 12];
    const path = new Path2D();
    for (let k = 0; k <= 5; k += 1) {
      path.moveTo(ends[0] + (k / 5) * length, bottom - 16);
      path.lineTo(ends[0] + (k / 5) * length, bottom - 11);
    }
    path.moveTo(ends[0], bottom - 11);
    path.lineTo(ends[1], bottom - 11);
    stroke(context, path, 1, [
      [3, "#000"],
      [1.3, "#d8d8d8"],
    ]);
    write(context, "50 mm", ends[1], bottom - 22, { align: "right" });
  }

  function scaleOfColours(context, right, bottom) {
    const { to } = page.difference;
    const [start, length] = [right - 132, 120];
    const colours = context.createLinearGradient(start, 0, start + length, 0);
    [DARKER, [90, 90, 90], BRIGHTER].forEach((colour, k) => {
      colours.addColorStop(k / 2, `rgb(${colour.join(",")})`);
    });
    context.fillStyle = colours;
    context.fillRect(start, bottom - 18, length, 7);
    write(context, `−${to}`, start, bottom - 24);
    write(context, `+${to} ${page.unit}`, start + length, bottom - 24, { align: "right" });
  }

  function cross(context, [x, y]) {
    const path = new Path2D();
    [[1, 0], [-1, 0], [0, 1], [0, -1]].forEach(([u, v]) => {
      path.moveTo(x + 4 * u, y + 4 * v);
      path.lineTo(x + 11 * u, y + 11 * v);
    });
    stroke(context, path, 1, [
      [3, "#000"],
      [1.3, "#fff"],
    ]);
  }

  // A panel has a kind, whether it is mirrored, its scale in CSS pixels, and its corner.
  function paint(context, view, panel) {
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    const { left, top, scale } = panel;
    context.drawImage(pixelsOf(view, panel), left, top, columns * scale, rows * scale);
    outline(context, view, panel);
    marks(context, view, panel);
    if (view.pointer) {
      // What is mirrored has the counterpart at the same place of its panel.
      const [x, y] = [view.pointer.x + 0.5, view.pointer.y + 0.5];
      cross(context, [left + x * scale, top + y * scale]);
    }
  }

  return { paint };
}
