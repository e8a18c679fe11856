// Raw DEFLATE (RFC 1951). Browsers that unpack it by themselves are younger than many in hospitals.
const inflate = (() => {
  const LENGTHS = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
  ];
  const LENGTH_BITS = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
  ];
  const DISTANCES = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
    3073, 4097, 6145, 8193, 12289, 16385, 24577,
  ];
  const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
  const LONGEST = 15; // bits of a code

  // The codes of an alphabet: how many have each length, and their symbols in order.
  function codesOf(lengths) {
    const counts = new Uint16Array(LONGEST + 1);
    for (const length of lengths) counts[length] += 1;
    counts[0] = 0;
    const next = new Uint16Array(LONGEST + 2);
    for (let bits = 1; bits <= LONGEST; bits += 1) next[bits + 1] = next[bits] + counts[bits];
    const symbols = new Uint16Array(lengths.length);
    lengths.forEach((length, symbol) => {
      if (length) symbols[next[length]++] = symbol;
    });
    return { counts, symbols };
  }

  const fixed = Array.from({ length: 288 }, (_, n) => (n < 144 ? 8 : n < 256 ? 9 : n < 280 ? 7 : 8));
  const FIXED = { literals: codesOf(fixed), distances: codesOf(new Array(30).fill(5)) };

  return function inflate(packed, size) {
    const out = new Uint8Array(size);
    let filled = 0;
    let position = 0;
    let held = 0;
    let heldBits = 0;

    function bits(count) {
      while (heldBits < count) {
        held |= packed[position++] << heldBits;
        heldBits += 8;
      }
      const value = held & ((1 << count) - 1);
      held >>>= count;
      heldBits -= count;
      return value;
    }

    function symbol({ counts, symbols }) {
      let code = 0;
      let first = 0;
      let index = 0;
      for (let length = 1; length <= LONGEST; length += 1) {
        code |= bits(1);
        if (code - counts[length] < first) return symbols[index + code - first];
        index += counts[length];
        first = (first + counts[length]) << 1;
        code <<= 1;
      }
      throw new Error("a slice is damaged");
    }

    function ownCodes() {
      const literals = bits(5) + 257;
      const distances = bits(5) + 1;
      const lengths = new Array(19).fill(0);
      for (let n = bits(4) + 4, k = 0; k < n; k += 1) lengths[ORDER[k]] = bits(3);
      const codes = codesOf(lengths);
      const all = [];
      while (all.length < literals + distances) {
        const found = symbol(codes);
        if (found < 16) all.push(found);
        else {
          const repeated = found === 16 ? all[all.length - 1] : 0;
          const times = found === 16 ? 3 + bits(2) : found === 17 ? 3 + bits(3) : 11 + bits(7);
          for (let k = 0; k < times; k += 1) all.push(repeated);
        }
      }
      return { literals: codesOf(all.slice(0, literals)), distances: codesOf(all.slice(literals)) };
    }

    function storedBlock() {
      held = heldBits = 0;
      const length = packed[position] | (packed[position + 1] << 8);
      position += 4;
      out.set(packed.subarray(position, position + length), filled);
      position += length;
      filled += length;
    }

    function codedBlock({ literals, distances }) {
      for (let found = symbol(literals); found !== 256; found = symbol(literals)) {
        if (found < 256) out[filled++] = found;
        else {
          const length = LENGTHS[found - 257] + bits(LENGTH_BITS[found - 257]);
          const far = symbol(distances);
          const distance = DISTANCES[far] + bits(far < 2 ? 0 : (far >> 1) - 1);
          for (let k = 0; k < length; k += 1, filled += 1) out[filled] = out[filled - distance];
        }
      }
    }

    for (let last = 0; !last; ) {
      last = bits(1);
      const kind = bits(2);
      if (kind === 0) storedBlock();
      else codedBlock(kind === 1 ? FIXED : ownCodes());
    }
    return out;
  };
})();
