// Text of logs as lines: their level, and which are looked for. Pure.

// A word in the middle of a sentence is none: "mean error 0.3" is a metric.
const LEVELS = [
  ["error", /\b(ERROR|CRITICAL|FATAL|PANIC)\b|[[<|](error|critical|fatal)[\]>|]|\b(error|critical|fatal|panic):|\b\w*(Error|Exception)\b|^Traceback|[Oo]ut of memory|\b[Kk]illed\b/],
  ["warning", /\bWARN(ING)?S?\b|[[<|]warn(ing)?[\]>|]|\bwarning:|\b\w*Warning\b/],
  ["debug", /\b(DEBUG|TRACE)\b|[[<|](debug|trace)[\]>|]|\bdebug:/],
];
const ESCAPES = /\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(\u0007|\u001b\\)/g;

/** The lines of a text: of a progress bar only its last state, and no colours of a terminal. */
export function linesOf(text) {
  const lines = text.replace(ESCAPES, "").split("\n");
  if (lines[lines.length - 1] === "") lines.pop();
  return lines.map((line) => {
    const whole = line.endsWith("\r") ? line.slice(0, -1) : line;
    return whole.slice(whole.lastIndexOf("\r") + 1);
  });
}

/** What a line is: error, warning, debug, or plain. */
export function levelOf(line) {
  const found = LEVELS.find(([, pattern]) => pattern.test(line.slice(0, 400)));
  return found ? found[0] : "plain";
}

/** The places of those lines that hold `word` and are of `level`; empty asks for nothing. */
export function foundIn(lines, word, level) {
  const small = word.toLowerCase();
  const places = [];
  lines.forEach((line, at) => {
    if (small && !line.toLowerCase().includes(small)) return;
    if (level && levelOf(line) !== level) return;
    places.push(at);
  });
  return places;
}
