const { Column, Pyramid, Series, lowerBound } = await import("/page/series.js");
const { pixelColumns, nearest } = await import("/page/pixels.js");

const series = (values, epochs = values.map((_, at) => at)) => {
  const made = new Series("j", "m");
  made.append({ epoch: epochs, time: epochs.map((at) => at * 2), value: values });
  return made;
};
const columns = (made, width = 100, x0 = 0, x1 = made.length - 1) => pixelColumns(made.epoch, made.laps.epoch, made.pyramid, { x0, x1, width });
const extremes = (found) => [Math.min(...found.low.filter(Number.isFinite)), Math.max(...found.high.filter(Number.isFinite))];

test("a pyramid that grew piece by piece is the one that was built at once", () => {
  const [grown, whole] = [new Pyramid(new Column()), new Pyramid(new Column())];
  const values = Array.from({ length: 20_000 }, (_, at) => (at % 777 === 0 ? NaN : Math.sin(at) * at));
  for (let at = 0; at < values.length; at += 1) {
    grown.column.push(values[at]);
    whole.column.push(values[at]);
    if (at % 97 === 0 || at < 600) grown.update();
  }
  [grown, whole].forEach((pyramid) => pyramid.update());
  const told = (pyramid) => pyramid.levels.map(({ low, high, flags, length }) => [[...low.subarray(0, length)], [...high.subarray(0, length)], [...flags.subarray(0, length)]]);
  is(told(grown), told(whole));
});
test("no peak of a million points is lost, and few strokes are drawn", () => {
  const values = Array.from({ length: 1_000_000 }, (_, at) => at % 1000);
  [values[123_456], values[777_777]] = [-5e6, 9e6];
  const found = columns(series(values), 800);
  is([extremes(found), found.x.length < 4_000], [[-5e6, 9e6], true]);
});
test("what is zoomed in on is drawn point by point", () => {
  const found = columns(series(Array.from({ length: 100_000 }, (_, at) => at)), 800, 5_000, 5_010);
  is(found.low.filter(Number.isFinite), Array.from({ length: 13 }, (_, at) => 4_999 + at));
});
test("a value that is not finite breaks the line and leaves a mark", () => {
  const found = columns(series([1, "NaN", 3, "Infinity", 5]), 4, 0, 4);
  is([found.x.map((x) => (Number.isNaN(x) ? "break" : x)), [...found.marks]], [[0, "break", 2, "break", 4, "break"], [[1, 1], [3, 2]]]);
});
test("among a million points a single NaN leaves its mark", () => {
  const values = Array.from({ length: 1_000_000 }, () => 1);
  values[500_000] = "NaN";
  is([...columns(series(values), 800).marks].map(([x, flags]) => [Math.abs(x - 400) < 2, flags]), [[true, 1]]);
});
test("a run that was resumed draws a second line over its first", () => {
  const made = series([5, 4, 3, 3.5, 2.5], [0, 1, 2, 1, 2]);
  const found = columns(made, 2, 0, 2);
  is([made.laps.epoch, found.x.filter((x) => !Number.isNaN(x))], [[0, 3], [0, 1, 2, 1, 2]]);
});
test("null is no zero", () => is(Number.isNaN(series([null]).value.values[0]), true));
test("smoothing begins at the first value, goes on behind a gap, and is brought up to date", () => {
  const made = series([2, 2, "NaN", 2]);
  const before = [...made.smoothed(0.9).column.values.subarray(0, 4)];
  made.append({ epoch: [4], time: [8], value: [4] });
  const after = made.smoothed(0.9).column.values[4];
  is([before.map((v) => (Number.isNaN(v) ? "NaN" : Number(v.toFixed(9)))), after > 2.4 && after < 2.6], [[2, 2, "NaN", 2], true]);
});
test("the nearest point is found in each lap", () => {
  const { epoch, laps } = series([1, 2, 3, 4, 5, 6], [0, 10, 20, 5, 15, 25]);
  is([nearest(epoch, laps.epoch, 14), nearest(epoch, laps.epoch, 11), nearest(epoch, laps.epoch, -9)], [4, 1, 0]);
});
test("lowerBound is the first that is not below", () => is([0, 1, 1.5, 9].map((x) => lowerBound([1, 1, 2], x, 0, 3)), [0, 0, 2, 3]));
