const { number, duration, age, bytes, asNumber, text } = await import("/page/format.js");
const { ticks, padded, toPixels } = await import("/page/scale.js");
const { linesOf, levelOf, foundIn } = await import("/page/log-lines.js");
const { cell } = await import("/page/export.js");
const { read, address } = await import("/page/address.js");
const { linesOf: linesOfAnswer, messagesOf } = await import("/page/api.js");
const { h } = await import("/page/dom.js");

test("numbers keep five digits", () => is([0, 12, 0.123456, 1e-5, -2.5, 123456789, NaN, -Infinity].map(number), ["0", "12", "0.12346", "1e−5", "−2.5", "1.235e8", "NaN", "−∞"]));
test("non-finite numbers travel as strings", () => is([asNumber("NaN"), asNumber("Infinity"), asNumber("1"), asNumber(2), asNumber("toString")].map(String), ["NaN", "Infinity", "undefined", "2", "undefined"]));
test("durations have at most two units", () => is([0.84, 59.9, 125, 7620, 190_000].map(duration), ["0.8 s", "1 min 00 s", "2 min 05 s", "2 h 07 min", "2 d 4 h"]));
test("ages and sizes have one", () => is([age(3), age(200), age(90_000), bytes(999), bytes(1500), bytes(25e6)], ["now", "3 min ago", "1 d ago", "999 B", "1.5 kB", "25 MB"]));
test("any value has a text", () => is([null, "NaN", [1], { a: 1 }, true].map(text), ["–", "NaN", "[1]", '{"a":1}', "true"]));
test("ticks are round, and within the range", () => is([ticks([0, 1], 5, false), ticks([0.001, 10], 4, true)], [[0, 0.2, 0.4, 0.6, 0.8, 1], [0.001, 0.01, 0.1, 1, 10]]));
test("a scale has no end where the range has none", () => {
  is([padded(Infinity, -Infinity, false), padded(3, 3, false), ticks([0, 0], 5, false), toPixels([1, 1], 0, 9, false)(1)], [[0, 1], [2.7, 3.3], [], 0]);
});
test("a progress bar is its last state, and colours of a terminal are left out", () => is(linesOf("a\r10%\r20%\n\u001b[31mred\u001b[0m\r\nend"), ["20%", "red", "end"]));
test("levels are told by words", () => is(["12:00 ERROR x", "ValueError: y", "UserWarning: z", "Killed", "[debug] a", "info", "terror", "mean error 0.3"].map(levelOf), ["error", "error", "warning", "error", "debug", "plain", "plain", "plain"]));
test("lines are found by text and level", () => is(foundIn(["ERROR a", "b", "ERROR B"], "b", "error"), [2]));
test("a cell of CSV is quoted, and no formula", () => is(['a,"b"', "=1+1", "plain", "-x"].map(cell), ['"a,""b"""', "'=1+1", "plain", "'-x"]));
test("the address holds what is looked at, whatever its letters", () => {
  const wanted = { ...read(""), view: "charts", run: ["a/b&c=d", "é #?"], q: 'x:"1 2" lr>0', hide: ["r\nj"], zoom: "1~2" };
  is(read(address(wanted).slice(location.pathname.length)), wanted);
});
test("an address names only what is not usual", () => is(address(read("")), location.pathname));
test("an answer is cut into lines wherever its pieces end", async () => {
  const bytes = new TextEncoder().encode("äö\n\nlast é");
  const stream = new ReadableStream({ start(to) { for (const byte of bytes) to.enqueue(new Uint8Array([byte])); to.close(); } });
  const lines = [];
  for await (const line of linesOfAnswer(new Response(stream))) lines.push(line);
  is(lines, ["äö", "", "last é"]);
});
test("messages of an event stream", async () => {
  const messages = [];
  for await (const message of messagesOf(new Response(": alive\n\nid: 7\nevent: run\ndata: {\ndata: }\n\n"))) messages.push(message);
  is(messages.filter((message) => message?.data), [{ id: "7", event: "run", data: "{\n}" }]);
});
test("text stays text", () => is(h("p", { title: "<b>" }, "<img src=x>", null, ["a"]).outerHTML, '<p title="&lt;b&gt;">&lt;img src=x&gt;a</p>'));
