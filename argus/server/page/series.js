// Points of one line, in typed arrays that grow, with the lowest and highest value of each block of
// points worked out beforehand: drawing looks at a few blocks for each pixel column, however many
// points there are. Pure.

const FIRST = 32; // points in a block of the lowest level
const TIMES = 8; // blocks of one level in a block of the next
export const NAN = 1;
export const UP = 2; // +Infinity
export const DOWN = 4; // −Infinity

/** Numbers that are only ever appended. */
export class Column {
  constructor(capacity = 64) {
    this.values = new Float64Array(capacity);
    this.length = 0;
  }

  push(value) {
    if (this.length === this.values.length) this.reserve(this.length * 2);
    this.values[this.length] = value;
    this.length += 1;
  }

  reserve(capacity) {
    if (capacity <= this.values.length) return;
    const larger = new Float64Array(capacity);
    larger.set(this.values.subarray(0, this.length));
    this.values = larger;
  }
}

/** The levels of blocks over a column of values: of each block its lowest, highest, and what is not finite. */
export class Pyramid {
  constructor(column) {
    this.column = column;
    this.levels = [];
    this.covered = 0;
  }

  /** Take in what was appended since; costs what was appended. */
  update() {
    const n = this.column.length;
    if (n === this.covered) return this;
    for (let level = 0, size = FIRST; level === 0 || size <= n; level += 1, size *= TIMES) {
      // A level that is new is built from its beginning; any other from its last, unfilled block.
      const made = this.levels[level];
      const from = made ? Math.floor(this.covered / size) : 0;
      this.#fill(level, size, from, Math.ceil(n / size));
    }
    this.covered = n;
    return this;
  }

  /** The coarsest level with blocks of at most `points` points; -1: only the points themselves. */
  levelFor(points) {
    let level = -1;
    for (let size = FIRST; size <= points && level + 1 < this.levels.length; size *= TIMES) level += 1;
    return level;
  }

  static sizeOf(level) {
    return FIRST * TIMES ** level;
  }

  #fill(level, size, from, to) {
    const blocks = this.#reserved(level, to);
    const below = level > 0 ? this.levels[level - 1] : null;
    for (let block = from; block < to; block += 1) {
      let low = Infinity;
      let high = -Infinity;
      let flags = 0;
      if (below === null) {
        const { values, length } = this.column;
        const end = Math.min((block + 1) * size, length);
        for (let i = block * size; i < end; i += 1) {
          const v = values[i];
          if (v - v === 0) {
            if (v < low) low = v;
            if (v > high) high = v;
          } else flags |= flagOf(v);
        }
      } else {
        const end = Math.min((block + 1) * TIMES, below.length);
        for (let i = block * TIMES; i < end; i += 1) {
          if (below.low[i] < low) low = below.low[i];
          if (below.high[i] > high) high = below.high[i];
          flags |= below.flags[i];
        }
      }
      blocks.low[block] = low;
      blocks.high[block] = high;
      blocks.flags[block] = flags;
    }
  }

  #reserved(level, length) {
    let blocks = this.levels[level];
    if (!blocks || blocks.low.length < length) {
      const capacity = Math.max(16, length * 2);
      const larger = { low: new Float64Array(capacity), high: new Float64Array(capacity), flags: new Uint8Array(capacity) };
      if (blocks) for (const name of ["low", "high", "flags"]) larger[name].set(blocks[name].subarray(0, blocks.length));
      blocks = this.levels[level] = larger;
    }
    blocks.length = length;
    return blocks;
  }
}

/** What kind of not finite a value is; 0 for a finite one. */
export function flagOf(value) {
  if (value - value === 0) return 0;
  return Number.isNaN(value) ? NAN : value > 0 ? UP : DOWN;
}

/** One metric of one job: epochs, times and values. */
export class Series {
  constructor(job, name) {
    this.job = job;
    this.name = name;
    this.epoch = new Column();
    this.time = new Column();
    this.value = new Column();
    this.pyramid = new Pyramid(this.value);
    this.laps = { epoch: [0], time: [0] }; // where the x axis runs backwards: a run that was resumed
    this.smooth = null;
  }

  get length() {
    return this.value.length;
  }

  /** Append the points of a chunk as JSON holds them. */
  append(chunk) {
    const n = chunk.value.length;
    for (let i = 0; i < n; i += 1) {
      this.#pushX("epoch", chunk.epoch?.[i] ?? this.#after("epoch"));
      this.#pushX("time", number(chunk.time[i]));
      this.value.push(number(chunk.value[i]));
    }
    this.pyramid.update();
  }

  /** The values after smoothing with `weight`, and their pyramid; brought up to date when asked for. */
  smoothed(weight) {
    if (!weight) return this.pyramid;
    if (!this.smooth || this.smooth.weight !== weight) this.smooth = new Smoothed(this.value, weight);
    return this.smooth.update();
  }

  /** Where a point stands that does not say: behind the last one. */
  #after(axis) {
    const { values, length } = this[axis];
    return length ? values[length - 1] + 1 : 0;
  }

  #pushX(axis, x) {
    const column = this[axis];
    if (column.length && x < column.values[column.length - 1]) this.laps[axis].push(column.length);
    column.push(x);
  }
}

/** An exponential moving average, corrected for its start as Adam corrects its moments. */
class Smoothed {
  constructor(source, weight) {
    this.source = source;
    this.weight = weight;
    this.pyramid = new Pyramid(new Column(source.length + 64));
    this.mean = 0;
    this.mass = 0;
  }

  update() {
    const { source, weight } = this;
    const out = this.pyramid.column;
    out.reserve(source.values.length);
    for (let i = out.length; i < source.length; i += 1) {
      const v = source.values[i];
      if (v - v !== 0) {
        out.push(v); // a gap stays a gap, and the average goes on behind it
        continue;
      }
      this.mean = weight * this.mean + (1 - weight) * v;
      this.mass = weight * this.mass + (1 - weight);
      out.push(this.mean / this.mass);
    }
    return this.pyramid.update();
  }
}

/** The first index in `[from, to)` of ascending `values` that is not below `x`; `to` where none is. */
export function lowerBound(values, x, from, to) {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

function number(value) {
  return value === null || value === undefined ? NaN : Number(value);
}
