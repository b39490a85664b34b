"use strict";
// The columns, unpacked, and small helpers; every text of the corpus is set with textContent.
const known = JSON.parse(document.getElementById("known").textContent);
const at = (id) => document.getElementById(id);
const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`;
const count = (number) => number.toLocaleString("en");
const colour = { domain: known.labels, range: known.labels.map((label) => known.colours[label]) };

function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function chip(label) {
  const made = element("span", label, { class: "chip" });
  made.style.setProperty("--chip", known.colours[label]);
  return made;
}

function fill(select, options) {
  select.replaceChildren(...options.map(([value, text]) => element("option", text, { value })));
}

function clock(second) {
  if (second < 0) return "";
  const two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(second / 3600)}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`;
}

const TYPES = {
  probabilities: Uint8Array, labels: Uint8Array, shifts: Int8Array, speakers: Uint32Array,
  episodes: Uint32Array, dialogues: Uint32Array, seconds: Uint32Array, utterances: Uint32Array,
};

async function unpacked() {
  const letters = atob(at("packed").textContent);
  const bytes = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place++) bytes[place] = letters.charCodeAt(place);
  at("packed").remove();
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const whole = await new Response(stream).arrayBuffer();
  const columns = {};
  let start = 0;
  for (const [name, size] of Object.entries(known.sizes)) {
    const part = whole.slice(start, start + size);
    start += size;
    columns[name] = TYPES[name] ? new TYPES[name](part) : new TextDecoder().decode(part).split("\n");
  }
  const confidence = new Uint8Array(known.rows);
  for (let row = 0; row < known.rows; row++) confidence[row] = columns.probabilities[columns.labels[row] * known.rows + row];
  return { ...columns, confidence };
}

function lineOf(data, row) {
  const made = element("div", "", { class: "line" });
  const label = element("span");
  label.append(chip(known.labels[data.labels[row]]), ` ${percent(data.confidence[row] / 255)}`);
  made.append(element("span", clock(data.seconds[row] - 1)), element("span", known.speakers[data.speakers[row]] || "–"),
    label, element("span", data.texts[row]));
  return made;
}
