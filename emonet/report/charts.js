"use strict";
// Numbers -> pictures, with Observable Plot.
// on a narrow screen a drawing is made narrower first, and only then smaller
const WIDTH = Math.max(560, Math.min(1080, document.body.clientWidth - 40));
const style = { fontSize: "12px", fontFamily: "system-ui, sans-serif", background: "none" };

const shortened = (name) => (name.length > 18 ? `${name.slice(0, 17)}…` : name);

function draw(id, options) {
  const figure = at(id);
  const chart = Plot.plot({ width: WIDTH, style, ...options });
  // a picture has one name; those that Plot gives to its groups are no names to a reader
  for (const group of chart.querySelectorAll("[aria-label]")) group.removeAttribute("aria-label");
  chart.setAttribute("role", "img");
  chart.setAttribute("aria-label", figure.getAttribute("aria-label"));
  figure.replaceChildren(chart);
}

function flat(groups, more) {
  return groups.flatMap((group, place) => known.labels.map((label, number) => ({
    label, mean: group.mean[number], low: group.margin[number] === null ? null : Math.max(0, group.mean[number] - group.margin[number]),
    high: group.margin[number] === null ? null : group.mean[number] + group.margin[number], lines: group.count, ...more(group, place),
  })));
}

// A panel a label, lines with bands over the same x; names are at the left, in words.
function panels(id, points, x, more = []) {
  const banded = points.filter((point) => point.low !== null);
  draw(id, {
    height: 40 + 72 * known.labels.length, marginLeft: 46, marginRight: 90, color: colour, x,
    y: { percent: true, ticks: 2, label: null, nice: true }, fy: { domain: known.labels, label: null, padding: 0.3 },
    marks: [
      Plot.ruleY([0], { stroke: "currentColor", strokeOpacity: 0.25 }),
      ...more,
      Plot.areaY(banded, { x: "x", y1: "low", y2: "high", fy: "label", fill: "label", fillOpacity: 0.22 }),
      Plot.lineY(points, { x: "x", y: "mean", fy: "label", stroke: "label", strokeWidth: 1.8, z: (point) => `${point.label} ${point.run ?? ""}` }),
      Plot.dot(points, { x: "x", y: "mean", fy: "label", fill: "label", r: points.length > 60 * known.labels.length ? 0 : 2.2 }),
      Plot.tip(points, Plot.pointerX({ x: "x", y: "mean", fy: "label", title: (point) => `${point.name}\n${point.label} ${percent(point.mean, 1)}\n${count(point.lines)} lines` })),
    ],
  });
}

function means() {
  const all = known.found.labels;
  const rows = flat([all], () => ({})).map((row, number) => ({ ...row, count: known.found.counts[number] }));
  draw("means", {
    height: 34 * rows.length + 40, marginLeft: 110, marginRight: 160, color: colour,
    x: { percent: true, label: "mean probability, %", grid: true }, y: { label: null, domain: d3.sort(rows, (row) => -row.mean).map((row) => row.label) },
    marks: [
      Plot.barX(rows, { y: "label", x: "mean", fill: "label", insetTop: 3, insetBottom: 3 }),
      Plot.ruleY(rows.filter((row) => row.low !== null), { y: "label", x1: "low", x2: "high", strokeWidth: 1.5 }),
      Plot.text(rows, { y: "label", x: (row) => row.high ?? row.mean, dx: 8, textAnchor: "start", fill: "currentColor", text: (row) => `${percent(row.mean, 1)} · ${count(row.count)} lines` }),
    ],
  });
}

function profiles() {
  const everywhere = known.found.labels.mean;
  const rows = flat(known.found.characters, (group, place) => ({ who: known.found.names[place] })).map((row) => {
    const mean = everywhere[known.labels.indexOf(row.label)];
    const shift = (value) => (value === null ? null : value - mean);
    const clear = row.low !== null && (row.low > mean || row.high < mean);
    return { ...row, difference: row.mean - mean, from: shift(row.low), to: shift(row.high), clear };
  });
  draw("profiles", {
    height: 60 + 26 * known.found.names.length, marginLeft: 140, marginTop: 34, color: colour,
    x: { percent: true, ticks: 3, label: "points from the corpus' mean", tickFormat: "+d" }, y: { domain: known.found.names, label: null, tickFormat: shortened }, fx: { domain: known.labels, label: null, padding: 0.25 },
    marks: [
      Plot.ruleX([0], { stroke: "currentColor", strokeOpacity: 0.5 }),
      Plot.ruleY(rows.filter((row) => row.from !== null), { fx: "label", y: "who", x1: "from", x2: "to", stroke: "label", strokeWidth: 2, strokeOpacity: 0.75 }),
      Plot.dot(rows, { fx: "label", y: "who", x: "difference", fill: (row) => (row.clear ? known.colours[row.label] : "none"), stroke: (row) => known.colours[row.label], r: 3.6, tip: true, title: (row) => `${row.who}, ${row.label}\n${percent(row.mean, 1)} of ${count(row.lines)} lines` }),
    ],
  });
}

function matrix(number) {
  const label = known.labels[number];
  const cells = known.found.replies.map((one) => ({ before: known.found.names[one.before], now: known.found.names[one.now], mean: one.mean[number], lines: one.count, few: one.count < 20 }));
  const told = cells.filter((cell) => !cell.few);
  const top = d3.max(told, (cell) => cell.mean) ?? 1;
  const title = (cell) => `${cell.now}, after ${cell.before}\n${label} ${percent(cell.mean, 1)}\n${count(cell.lines)} replies`;
  draw("matrix", {
    height: 130 + 30 * known.found.names.length, marginLeft: 150, marginTop: 100, marginRight: 80,
    x: { axis: "top", domain: known.found.names, label: "speaks", tickRotate: -40, tickFormat: shortened },
    y: { domain: known.found.names, label: "spoke before", tickFormat: shortened },
    marks: [
      Plot.cell(cells.filter((cell) => cell.few), { x: "now", y: "before", fill: "currentColor", fillOpacity: 0.07, title, inset: 1 }),
      Plot.cell(told, { x: "now", y: "before", fill: known.colours[label], fillOpacity: { value: (cell) => 0.05 + (0.9 * cell.mean) / top, scale: null }, title, inset: 1, tip: true }),
      Plot.text(told, { x: "now", y: "before", text: (cell) => percent(cell.mean), fill: "currentColor", stroke: "var(--paper)", strokeWidth: 3 }),
    ],
  });
}

function histogram(data) {
  const bins = Array.from({ length: 20 }, () => new Array(known.labels.length).fill(0));
  for (let row = 0; row < known.rows; row++) bins[Math.min(19, Math.floor((data.confidence[row] / 255) * 20))][data.labels[row]]++;
  const bars = bins.flatMap((bin, place) => bin.map((lines, number) => ({ x1: place / 20, x2: (place + 1) / 20, lines, label: known.labels[number] })));
  draw("histogram", {
    height: 240, marginLeft: 60, color: { ...colour, legend: false }, x: { percent: true, label: "probability of the label, %" }, y: { label: "lines", grid: true, tickFormat: "~s" },
    marks: [Plot.rectY(bars.filter((bar) => bar.lines), { x1: "x1", x2: "x2", y: "lines", fill: "label", inset: 0.5, order: known.labels, tip: true }), Plot.ruleY([0])],
  });
}
