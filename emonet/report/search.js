"use strict";
// Search with filters, corrections that stay in the browser until they are saved, and the start.
const PAGE = 100;
const KEPT = `emonet-corrections-${known.key}`;

function readCorrections() {
  try {
    return new Map(Object.entries(JSON.parse(localStorage.getItem(KEPT) ?? "{}")));
  } catch {
    return new Map(); // a browser that keeps nothing for files
  }
}

function keep(corrections) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(corrections)));
  } catch {
    at("hits").textContent = "This browser keeps nothing for files: save before you close the page. ";
  }
  for (const id of ["save", "forget"]) at(id).disabled = corrections.size === 0;
  at("save").textContent = corrections.size ? `Save ${count(corrections.size)} in corrections.csv` : "Save corrections.csv";
}

function csvOf(data, corrections) {
  const quoted = (cell) => `"${String(cell ?? "").replaceAll('"', '""')}"`;
  const header = ["show", "season", "episode", "episode_id", "utterance", "speaker", "text", "predicted", "label"];
  const rows = [...corrections].map(([key, label]) => [Number(key), label]).sort((one, other) => one[0] - other[0]).map(([row, label]) => {
    const episode = known.episodes[data.episodes[row]];
    return [episode.show, episode.season, episode.episode, episode.id, data.utterances[row], known.speakers[data.speakers[row]], data.texts[row], known.labels[data.labels[row]], label];
  });
  return [header, ...rows].map((cells) => cells.map(quoted).join(",")).join("\n") + "\n";
}

function save(data, corrections) {
  const link = element("a", "", { download: "corrections.csv" });
  link.href = URL.createObjectURL(new Blob([csvOf(data, corrections)], { type: "text/csv" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function rowOf(data, corrections, row) {
  const made = element("tr");
  const choice = element("select", "", { "aria-label": "This line should be" });
  fill(choice, [["", "as it is"], ...known.labels.map((label) => [label, label])]);
  choice.value = corrections.get(String(row)) ?? "";
  made.classList.toggle("corrected", choice.value !== "");
  choice.onchange = () => {
    if (choice.value) corrections.set(String(row), choice.value);
    else corrections.delete(String(row));
    made.classList.toggle("corrected", choice.value !== "");
    keep(corrections);
  };
  const label = element("td");
  label.append(chip(known.labels[data.labels[row]]));
  const last = element("td");
  last.append(choice);
  const where = `${known.episodes[data.episodes[row]].id} ${clock(data.seconds[row] - 1)}`;
  made.append(element("td", where), element("td", known.speakers[data.speakers[row]] || "–"), element("td", data.texts[row]), label,
    element("td", percent(data.confidence[row] / 255), { class: "number" }), last);
  return made;
}

function search(data) {
  const corrections = readCorrections();
  const lower = data.texts.map((text) => text.toLowerCase());
  fill(at("label"), [["", "any"], ...known.labels.map((label, number) => [number, label])]);
  at("speakers").append(...known.speakers.slice(0, 2000).map((name) => element("option", "", { value: name })));
  let found = [], shown = 0;
  const more = () => {
    at("results").append(...Array.from(found.slice(shown, shown + PAGE), (row) => rowOf(data, corrections, row)));
    shown = Math.min(found.length, shown + PAGE);
    at("more").hidden = shown === found.length;
  };
  const update = () => {
    const words = at("words").value.toLowerCase(), speaker = at("speaker").value.toLowerCase();
    const people = known.speakers.map((name) => name.toLowerCase().includes(speaker));
    const label = at("label").value === "" ? -1 : Number(at("label").value);
    const least = Math.ceil(Number(at("threshold").value) * 2.55);
    let sure = 0;
    found = [];
    for (let row = 0; row < known.rows; row++) {
      if (data.confidence[row] < least) continue;
      sure++;
      if ((label < 0 || data.labels[row] === label) && people[data.speakers[row]] && lower[row].includes(words)) found.push(row);
    }
    const order = at("order").value;
    if (order !== "time") found.sort((one, other) => (order === "most" ? -1 : 1) * (data.confidence[one] - data.confidence[other]) || one - other);
    at("kept").textContent = `${at("threshold").value} %: ${count(sure)} of ${count(known.rows)} lines, ${percent(sure / known.rows)}`;
    at("hits").textContent = `${count(found.length)} lines. `;
    at("results").replaceChildren();
    shown = 0;
    more();
  };
  at("filters").onsubmit = (event) => event.preventDefault();
  for (const id of ["words", "speaker", "label", "order", "threshold"]) at(id).oninput = update;
  at("more").onclick = more;
  at("save").onclick = () => save(data, corrections);
  at("forget").onclick = () => {
    corrections.clear();
    keep(corrections);
    update();
  };
  keep(corrections);
  update();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName)) {
    event.preventDefault();
    at("words").focus();
  }
});

(async () => {
  try {
    trust();
    arc();
    files();
    const data = await unpacked();
    for (const section of [within, characters, scenes, history, histogram, search]) section(data);
    at("state").remove();
    document.documentElement.dataset.state = "open";
  } catch (error) {
    at("state").textContent = `This page could not be drawn: ${error}`;
    document.documentElement.dataset.state = "failed";
  }
})();
