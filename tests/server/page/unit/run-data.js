const { dataOf, follow, forget } = await import("/page/run-data.js");

// A monitor of one file: what it answers from each offset on.
const asked = [];
let answers = {};
const real = globalThis.fetch;
globalThis.fetch = async (url, options) => {
  if (!String(url).startsWith("/api/metrics-stream")) return real(url, options);
  const query = new URLSearchParams(String(url).split("?")[1]);
  const from = Number(query.get("from") || 0);
  asked.push(from);
  const lines = answers[from] || [{ type: "done", offset: from }];
  return new Response(lines.map((line) => JSON.stringify(line)).join("\n"));
};
const chunk = (offset, size, values, more = {}) => ({ type: "chunk", offset, size, series: [{ job: "j", name: "loss", epoch: values.map((_, at) => at), time: values, value: values }], ...more });
const settle = async (data) => {
  for (let turn = 0; turn < 200 && (turn < 3 || data.isLoading); turn += 1) await new Promise((wake) => setTimeout(wake, 5));
};
const values = (data) => [...data.series.values()].flatMap((series) => [...series.value.values.subarray(0, series.length)]);
const begin = async (given) => {
  asked.length = 0;
  answers = given;
  forget("r");
  const data = dataOf("r");
  await settle(data);
  return data;
};

test("what was appended is asked for from where the last answer ended", async () => {
  const data = await begin({ 0: [chunk(10, 10, [1, 2]), { type: "done", offset: 10 }], 10: [chunk(15, 15, [3]), { type: "done", offset: 15 }] });
  follow("r", 15);
  await settle(data);
  is([values(data), asked, data.share], [[1, 2, 3], [0, 10], 1]);
});
test("half a line is not asked for again and again", async () => {
  const data = await begin({ 0: [chunk(10, 12, [1]), { type: "done", offset: 10 }] });
  follow("r", 12);
  await settle(data);
  const before = asked.length;
  for (let turn = 0; turn < 5; turn += 1) dataOf("r");
  await settle(data);
  is(asked.length, before);
});
test("a file that was replaced is begun anew", async () => {
  const data = await begin({ 0: [chunk(10, 10, [1, 2]), { type: "done", offset: 10 }], 10: [{ type: "reset" }, chunk(4, 4, [9]), { type: "done", offset: 4 }] });
  follow("r", 4);
  await settle(data);
  is([values(data), data.offset], [[9], 4]);
});
test("pieces are joined: counts are added, and a late epoch brings no job back", async () => {
  const started = { job_id: "j", model: "m", state: "running", started_at: "a", epochs: 1 };
  const data = await begin({
    0: [chunk(5, 10, [1], { jobs: [started], events: { job_epoch: 1 } }), chunk(8, 10, [2], { jobs: [{ job_id: "j", state: "done", ended_at: "b", metrics: { x: 1 } }], events: { job_epoch: 1, job_done: 1 } }),
      chunk(10, 10, [3], { jobs: [{ job_id: "j", state: "running", started_at: "z", epochs: 3 }], events: { job_epoch: 1 } }), { type: "done", offset: 10, rejected: [{ reason: "r" }], dropped: { full: 2 } }],
  });
  is([data.jobs.get("j"), data.events, data.rejected.length, data.dropped],
    [{ job_id: "j", model: "m", state: "done", started_at: "a", epochs: 3, ended_at: "b", metrics: { x: 1 } }, { job_epoch: 3, job_done: 1 }, 1, { full: 2 }]);
});
test("why a run failed is told until an attempt begins anew", async () => {
  const data = await begin({ 0: [chunk(5, 10, [1], { failure: "KeyError" }), chunk(10, 10, [2]), { type: "done", offset: 10 }], 10: [chunk(12, 12, [3], { failure: null }), { type: "done", offset: 12 }] });
  is(data.failure, "KeyError");
  follow("r", 12);
  await settle(data);
  is(data.failure, null);
});
test("an answer that is cut short is an error, and what it told is kept", async () => {
  const data = await begin({ 0: [chunk(5, 10, [1])], 5: [chunk(10, 10, [2]), { type: "done", offset: 10 }] });
  const { error } = data;
  follow("r", 10);
  await settle(data);
  is([error?.message, data.error, values(data)], ["the answer was cut short", null, [1, 2]]);
});
