// The slices of a page: unpacked when they are first shown, compared with their mirror image,
// their regions outlined.
function openSlices(page) {
  const { rows, columns } = page;
  const size = rows * columns;
  const unpacked = new Map();

  function bytesOf(text) {
    const letters = atob(text);
    return Uint8Array.from({ length: letters.length }, (_, k) => letters.charCodeAt(k));
  }

  // Each pixel was stored as its difference from the mean of its left and upper neighbours.
  function restored(values) {
    for (let k = 0; k < size; k += 1) {
      const left = k % columns ? values[k - 1] : 0;
      const above = k >= columns ? values[k - columns] : 0;
      values[k] += (left + above) >> 1;
    }
    return values;
  }

  function slice(at) {
    if (!unpacked.has(at)) {
      const { values, labels } = page.slices[at];
      unpacked.set(at, {
        values: restored(inflate(bytesOf(values), size)),
        labels: labels ? inflate(bytesOf(labels), size) : new Uint8Array(size),
      });
    }
    return unpacked.get(at);
  }

  // Once a slice: its outlines, its difference from the mirror image.
  function once(at, name, make) {
    const found = slice(at);
    if (!(name in found)) found[name] = make(found);
    return found[name];
  }

  // The sum over a square about each pixel, by running sums along rows, then along columns.
  function squareSums(values, reach) {
    const along = (from, count, step, lines, lineStep) => {
      const to = new Float32Array(size);
      for (let line = 0; line < lines; line += 1) {
        const start = line * lineStep;
        let sum = 0;
        for (let k = -reach; k < count; k += 1) {
          if (k + reach < count) sum += from[start + (k + reach) * step];
          if (k > reach) sum -= from[start + (k - reach - 1) * step];
          if (k >= 0) to[start + k * step] = sum;
        }
      }
      return to;
    };
    return along(along(values, columns, 1, rows, columns), rows, columns, columns, 1);
  }

  // Mean of the tissue about each pixel less that about its mirror image; NaN where there is none.
  function difference({ values }) {
    const [low, high] = page.tissue.map((value) => (value - page.lowest) / page.step);
    const local = squareSums(values, 1);
    const weights = new Float32Array(size);
    const weighted = new Float32Array(size);
    for (let k = 0; k < size; k += 1) {
      if (local[k] >= 9 * low && local[k] <= 9 * high) {
        weights[k] = 1;
        weighted[k] = values[k];
      }
    }
    const reach = Math.max(1, Math.round(page.meanMm / 2 / page.pixelMm));
    const sums = squareSums(weighted, reach);
    const counts = squareSums(weights, reach);
    const least = (2 * reach + 1) ** 2 / 3;
    const result = new Float32Array(size).fill(NaN);
    for (let k = 0; k < size; k += 1) {
      const mirrored = mirror(k);
      if (weights[k] && counts[k] >= least && counts[mirrored] >= least) {
        result[k] = page.step * (sums[k] / counts[k] - sums[mirrored] / counts[mirrored]);
      }
    }
    return result;
  }

  const mirror = (k) => k + columns - 1 - 2 * (k % columns);

  // Label values of a slice, each with the place of its name and its outline.
  function outlines({ labels }) {
    const parts = new Map();
    const add = (value, x, y) => {
      const part = parts.get(value);
      if (!part) parts.set(value, { x0: x, x1: x, y0: y, y1: y, sumX: x, sumY: y, count: 1 });
      else {
        part.x0 = Math.min(part.x0, x);
        part.x1 = Math.max(part.x1, x);
        part.y1 = y;
        part.sumX += x;
        part.sumY += y;
        part.count += 1;
      }
    };
    labels.forEach((label, k) => {
      if (!label) return;
      const x = k % columns;
      const y = (k - x) / columns;
      const region = page.lesion ? label % page.lesion : label;
      if (region) add(region, x, y);
      if (page.lesion && label >= page.lesion) add(page.lesion, x, y);
    });
    parts.forEach((part, value) => {
      const holds =
        value === page.lesion
          ? (label) => label >= page.lesion
          : (label) => (page.lesion ? label % page.lesion : label) === value;
      part.path = outline(labels, holds, part);
      part.name = nameplace(labels, holds, part);
    });
    return parts;
  }

  // The pixel of a region that is nearest to its middle, which may lie outside of it.
  function nameplace(labels, holds, { x0, x1, y0, y1, sumX, sumY, count }) {
    let best = Infinity;
    let place = [x0, y0];
    for (let y = y0; y <= y1; y += 1) {
      for (let x = x0; x <= x1; x += 1) {
        const far = (x - sumX / count) ** 2 + (y - sumY / count) ** 2;
        if (far < best && holds(labels[y * columns + x])) {
          best = far;
          place = [x, y];
        }
      }
    }
    return [place[0] + 0.5, place[1] + 0.5];
  }

  // The border of a region without the steps of its pixels: where its smoothed mask is one half.
  function outline(labels, holds, { x0, x1, y0, y1 }) {
    const room = 4;
    const wide = x1 - x0 + 1 + 2 * room;
    const high = y1 - y0 + 1 + 2 * room;
    let mask = new Float32Array(wide * high);
    for (let y = y0; y <= y1; y += 1) {
      for (let x = x0; x <= x1; x += 1) {
        if (holds(labels[y * columns + x])) mask[(y - y0 + room) * wide + x - x0 + room] = 1;
      }
    }
    const blurred = (from, step) =>
      from.map((v, k) => ((from[k - step] || 0) + 2 * v + (from[k + step] || 0)) / 4);
    for (const step of [1, wide, 1, wide, 1, wide]) mask = blurred(mask, step);
    const path = new Path2D();
    const shiftX = x0 - room + 0.5; // the middle of a pixel
    const shiftY = y0 - room + 0.5;
    for (let y = 0; y < high - 1; y += 1) {
      for (let x = 0; x < wide - 1; x += 1) {
        const k = y * wide + x;
        const corners = [mask[k], mask[k + 1], mask[k + wide + 1], mask[k + wide]];
        const ends = [];
        corners.forEach((from, side) => {
          const to = corners[(side + 1) % 4];
          if (from >= 0.5 === to >= 0.5) return;
          const share = (0.5 - from) / (to - from);
          const across = [share, 1, 1 - share, 0][side];
          const down = [0, share, 1, 1 - share][side];
          ends.push([x + across + shiftX, y + down + shiftY]);
        });
        for (let n = 0; n < ends.length; n += 2) {
          path.moveTo(ends[n][0], ends[n][1]);
          path.lineTo(ends[n + 1][0], ends[n + 1][1]);
        }
      }
    }
    return path;
  }

  // The mean of the square about a pixel, and of that about its mirror image.
  function around(at, x, y) {
    const { values } = slice(at);
    const reach = Math.round(page.meanMm / 2 / page.pixelMm);
    const mean = (middle) => {
      let sum = 0;
      let count = 0;
      for (let v = Math.max(0, y - reach); v <= Math.min(rows - 1, y + reach); v += 1) {
        for (
          let u = Math.max(0, middle - reach);
          u <= Math.min(columns - 1, middle + reach);
          u += 1
        ) {
          sum += values[v * columns + u];
          count += 1;
        }
      }
      return page.lowest + (page.step * sum) / count;
    };
    return [mean(x), mean(columns - 1 - x)];
  }

  return {
    slice,
    around,
    mirror,
    outlines: (at) => once(at, "outlines", outlines),
    difference: (at) => once(at, "difference", difference),
  };
}
