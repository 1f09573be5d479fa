const { sorted, lines } = await import("/page/order.js");
const { usualColumns, usualValues } = await import("/page/shape.js");
const { comparison, usualAxes, plottable } = await import("/page/comparison.js");

const row = (run_id, config, more = {}) => ({ run_id, state: "done", project: "p", tags: [], config, metrics: {}, last: {}, jobs: [], ...more });
const ids = (rows) => rows.map(({ run_id }) => run_id).join("");

test("numbers are sorted as numbers, and what has none is last in both directions", () => {
  const rows = [row("a", { lr: 10 }), row("b", { lr: 9 }), row("c", {}), row("d", { lr: "NaN" }), row("e", { lr: "-Infinity" })];
  is([ids(sorted(rows, "lr", 0)), ids(sorted(rows, "-lr", 0))], ["ebadc", "abedc"]);
});
test("what is equal stays with the newest first", () => is(ids(sorted([row("a", {}), row("b", {})], "project", 0)), "ba"));
test("groups keep the order of their rows, and a shut one hides them", () => {
  const rows = [row("a", {}, { project: "x" }), row("b", {}, { project: "y" }), row("c", {}, { project: "x" })];
  const told = lines(rows, "project", new Set(["x"]), 0).map((line) => (line.row ? line.row.run_id : `${line.group}${line.n}`));
  is(told, ["x2", "y1", "b"]);
});
test("the usual columns are those that tell runs apart", () => {
  const rows = [row("a", { lr: 1, batch: 8, seed: 1 }, { last: { val_loss: 1 } }), row("b", { lr: 2, batch: 8, seed: 2 })];
  is(usualColumns(rows), ["state", "progress", "started", "duration", "last.val_loss", "config.lr"]);
});
test("what most rows have does not stand out", () => {
  const rows = [row("a", { lr: 1 }), row("b", { lr: 1 }), row("c", { lr: 2 })];
  is([...usualValues(rows, ["config.lr", "state"])], [["config.lr", "1"]]);
});
test("a comparison has what differs first", () => {
  const [config] = comparison([row("a", { a: 1, b: 1 }), row("b", { a: 1, b: 2 })], 0);
  is(config.rows.map(({ key, differs }) => [key, differs]), [["config.b", true], ["config.a", false]]);
});
test("a scatter plot begins with what differs against a metric", () => {
  const rows = [row("a", { lr: 1, z: 3 }, { metrics: { MSE: 1 } }), row("b", { lr: 2, z: 3 }, { metrics: { MSE: 2 } })];
  is(usualAxes(rows, plottable(rows)), { x: "config.lr", y: "metrics.MSE" });
});
