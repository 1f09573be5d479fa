const { parse, matches, unknownKeys } = await import("/page/query.js");

const row = {
  run_id: "20261127/152300/bench-1", batch_id: "bench-1", name: null, project: "paper", state: "running", host: "node-12",
  started_at: "2026-11-27T15:00:00Z", tags: ["good", "v2"], archived: false, notes: "", n_done: 1, n_failed: 0, n_total_jobs: 2,
  config: { lr: 0.01, optimizer: "adamw" }, metrics: { MSE: 0.25 }, last: { val_loss: "NaN", train_loss: 0.5, lr: 0.001 },
  jobs: [{ job_id: "j1", model: "lstm", epoch: 4 }],
};
const now = Date.parse("2026-11-27T16:00:00Z") / 1000;
const finds = (query, other = {}) => matches({ ...row, ...other }, parse(query), now);

const found = ["", "bench", "NODE-12", "project:paper", "project:pap", "project:x,paper", "state:running", "tag:good", "-tag:old", "!state:done",
  "lr>0.001", "lr=0.01", "lr>=1e-2", "config.lr=0.01 last.lr=0.001", "MSE<0.3 state:running", "val_loss=NaN", "model:lstm", "project:p*r",
  '"node-12"', "host!=node-13", "duration>30m", "age<2h", "age>=1h", "started>2026-11-27", "started<2026-11-28", "epoch>3", "optimizer:adam"];
for (const query of found) test(`found by ${query || "nothing"}`, () => is(finds(query), true));

const left = ["project:x", "state:done", "-tag:good", "lr>0.01", "MSE<0.25", "val_loss<1", "val_loss>1", "nosuch>0", "nosuch:a", "project=pap",
  "lstmm", "duration>2h", "project:p*x", "tag:old", "state:running state:done", "started>2026-11-28"];
for (const query of left) test(`left out by ${query}`, () => is(finds(query), false));

test("archived runs are found only when asked for", () => {
  const archived = { archived: true };
  is([finds("", archived), finds("is:archived", archived), finds("is:archived")], [false, true, false]);
});
test("free text is looked for in what a person wrote, too", () => is(finds("later", { notes: "look LATER" }), true));
test("a pattern's own signs mean themselves", () => is([finds("project:pape."), finds("project:*.*")], [false, false]));
test("what is typed halfway is no error", () => {
  for (const query of ["lr>", '"', "-", "project:", ":", "state:run", "lr>abc", "((", "a:b:c", "__proto__:x", "constructor>0"]) finds(query);
});
test("keys that no run has are named", () => is(unknownKeys(parse("lr>1 nosuch:x free is:archived"), [row]), ["nosuch"]));
