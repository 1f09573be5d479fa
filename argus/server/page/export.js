// A chart as a file: PNG with its title and legend, CSV with each point.

import { download } from "./dom.js";
import { inks } from "./colours.js";
import { axisOf, extentOf, paint } from "./paint.js";

const ROW = 18;

/** The points of the lines that lie within the view, one a row, as CSV. */
export function csvOf(lines, view) {
  const range = view.zoom || extentOf(lines, view.axis) || [0, 0];
  const rows = ["run,job,metric,epoch,time,value"];
  for (const { series, runId, began } of lines) {
    const { xs } = axisOf(series, view.axis);
    const shift = view.axis === "relative" ? began : 0;
    const head = [runId, series.job, series.name].map(cell).join(",");
    for (let i = 0; i < series.length; i += 1) {
      const x = xs.values[i] - shift;
      if (x < range[0] || x > range[1]) continue;
      rows.push(`${head},${series.epoch.values[i]},${iso(series.time.values[i])},${series.value.values[i]}`);
    }
  }
  return `${rows.join("\n")}\n`;
}

/** Save the points as `<title>.csv`. */
export function saveCsv(title, lines, view) {
  download(new Blob([csvOf(lines, view)], { type: "text/csv" }), `${title}.csv`);
}

/** Save the picture as `<title>.png`, in twice the size of the screen's. */
export async function savePng(title, lines, view) {
  const blob = await new Promise((resolve) => pictureOf(title, lines, view).toBlob(resolve, "image/png"));
  download(blob, `${title}.png`);
}

/** A canvas with the title, the lines, and a legend below. */
export function pictureOf(title, lines, view) {
  const width = 900;
  const height = 420;
  const ink = inks();
  const canvas = document.createElement("canvas");
  const total = 34 + height + lines.length * ROW + 12;
  [canvas.width, canvas.height] = [width * 2, total * 2];
  const plot = document.createElement("canvas");
  [plot.width, plot.height] = [width * 2, height * 2];
  const inner = plot.getContext("2d");
  inner.scale(2, 2);
  paint(inner, width, height, lines, view);
  const ctx = canvas.getContext("2d");
  ctx.scale(2, 2);
  ctx.fillStyle = ink.ground;
  ctx.fillRect(0, 0, width, total);
  ctx.fillStyle = ink.text;
  ctx.font = `600 15px ${ink.font}`;
  ctx.fillText(title, 14, 24);
  ctx.drawImage(plot, 0, 34, width, height);
  ctx.font = `12px ${ink.font}`;
  lines.forEach((line, at) => {
    const y = 34 + height + at * ROW + 8;
    ctx.strokeStyle = line.colour;
    ctx.lineWidth = 2;
    ctx.setLineDash(line.dash);
    ctx.beginPath();
    ctx.moveTo(58, y);
    ctx.lineTo(84, y);
    ctx.stroke();
    ctx.fillStyle = ink.text;
    ctx.fillText(line.label, 92, y + 4);
  });
  return canvas;
}

/** A text in CSV. What begins like a formula must not become one in a spreadsheet. */
export function cell(value) {
  const text = String(value ?? "");
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

function iso(seconds) {
  return Number.isFinite(seconds) ? new Date(seconds * 1000).toISOString() : "";
}
