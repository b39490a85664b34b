"use strict";
// The sections of the page, each filled from `known.found` and the columns.
const episodeName = (episode) => episode.season === null || episode.episode === null ? episode.id.slice(episode.show.length + 1) || episode.id : `s${String(episode.season).padStart(2, "0")}e${String(episode.episode).padStart(2, "0")}`;

function trust() {
  const { found } = known;
  at("counts").textContent = `${count(known.rows)} lines in ${count(known.episodes.length)} episodes, by ${count(found.people)} speakers who are told apart`;
  const models = [...new Set(known.nights.map((night) => night.model_id))];
  at("trusted").textContent = `A model gave each line one of ${known.labels.length} labels, from its words, the dialogue before it and what its speaker said earlier. ` +
    `It holds its labels ${percent(found.confidence)} probable on average: were it calibrated on this corpus, about that share would be what annotators say. ` +
    `People agree little on emotions in text, and so does a model with them: the checkpoint that ships with emonet has a weighted F1 of ${known.card_f1.toFixed(0)} of 100 with the annotators of its development set.`;
  at("made").textContent = `Model ${models.join(", ")}; ${known.nights.map((night) => `night ${night.night}, run ${night.run}`).slice(-3).join("; ")}. This page asks no server for anything. Drawn with D3 and Observable Plot (ISC licence).`;
  means();
}

function arc() {
  const shows = [...new Set(known.episodes.map((episode) => episode.show))];
  fill(at("show"), shows.map((show) => [show, show]));
  document.querySelector(".choose").hidden = shows.length < 2;
  const update = () => {
    const chosen = known.episodes.map((episode, number) => ({ episode, number })).filter((one) => one.episode.show === at("show").value);
    const points = flat(chosen.map((one) => known.found.arc[one.number]), (_, place) => ({ x: place, name: episodeName(chosen[place].episode), run: chosen[place].episode.season }));
    const starts = chosen.map((one, place) => place).filter((place) => place && chosen[place].episode.season !== chosen[place - 1].episode.season);
    const step = Math.max(1, Math.ceil(chosen.length / 14));
    const ticks = d3.range(0, chosen.length, step);
    panels("arcs", points, { label: null, ticks, tickFormat: (place) => (chosen[place] ? episodeName(chosen[place].episode) : "") },
      [Plot.ruleX(starts, { x: (place) => place - 0.5, stroke: "currentColor", strokeOpacity: 0.3, strokeDasharray: "3 3" })]);
  };
  at("show").onchange = update;
  update();
}

function within(data) {
  fill(at("episode"), known.episodes.map((episode, number) => [number, episode.id]));
  const update = () => {
    const chosen = Number(at("episode").value);
    const rows = d3.range(d3.bisectLeft(data.episodes, chosen), d3.bisectRight(data.episodes, chosen));
    const scenes = d3.groups(rows, (row) => data.dialogues[row]).map(([, lines]) => lines);
    const groups = scenes.map((lines) => ({ count: lines.length, margin: known.labels.map(() => null), mean: known.labels.map((_, number) => d3.mean(lines, (row) => data.probabilities[number * known.rows + row]) / 255) }));
    panels("within", flat(groups, (_, place) => ({ x: place + 1, name: `scene ${place + 1} ${clock(data.seconds[scenes[place][0]] - 1)}` })), { label: "scene", ticks: Math.min(20, scenes.length), tickFormat: "d" });
  };
  at("episode").onchange = update;
  update();
}

function characters() {
  if (!known.found.names.length) {
    for (const id of ["characters", "replies"]) at(id).hidden = true;
    return;
  }
  profiles();
  fill(at("person"), known.found.names.map((name, number) => [number, name]));
  const update = () => {
    const chosen = known.found.change.filter((one) => one.person === Number(at("person").value));
    const name = (one) => one.episode_id?.slice(one.show.length + 1) ?? (one.season === null ? one.show : `${one.show} s${one.season}`);
    const points = flat(chosen, (one, place) => ({ x: place, name: name(one) }));
    const step = Math.max(1, Math.ceil(chosen.length / 10));
    panels("changes", points, { label: null, ticks: d3.range(0, chosen.length, step), tickFormat: (place) => (chosen[place] ? name(chosen[place]) : "") });
  };
  at("person").onchange = update;
  update();
  fill(at("emotion"), known.labels.map((label, number) => [number, label]));
  at("emotion").onchange = () => matrix(Number(at("emotion").value));
  matrix(0);
}

function scenes(data) {
  at("intense").replaceChildren(...known.found.scenes.map((scene, place) => {
    const made = element("details");
    made.open = place === 0;
    const first = scene.start;
    made.append(element("summary", `${[known.episodes[data.episodes[first]].id, clock(data.seconds[first] - 1)].join(" ").trim()}: ${percent(scene.mean)} on average`));
    made.append(...d3.range(first, first + scene.lines).map((row) => lineOf(data, row)));
    return made;
  }));
}

function history(data) {
  const { history } = known.found;
  at("moved").textContent = history.with === 0
    ? "No line here has a speaker with earlier lines, so history changed nothing."
    : `${percent(history.with / known.rows)} of the lines have a speaker who was heard before. There the history moves the logit of the label by ${history.median.toFixed(2)} in the middle, and by more than ${history.ninth.toFixed(2)} in one line of ten; a logit of 0.1 is at most 2.5 points of probability. Small numbers mean: the words decide.`;
  const list = (title, rows) => [element("h3", title), ...rows.map((row) => lineOf(data, row))];
  if (history.with) at("lines_moved").replaceChildren(...list("Moved most towards their label", history.towards), ...list("Labelled so against their speaker's history", history.away));
}

function files() {
  const { quality } = known;
  at("accounts").textContent = `${count(quality.files)} files: ${count(quality.found)} cues or rows found = ${count(quality.used)} used + ${count(quality.dropped)} dropped without speech + ${count(quality.rejected)} rejected. A cue may be several lines, and several cues one.`;
  at("reasons").append(...quality.reasons.map((one) => element("p", `Rejected as ${one.reason}: ${count(one.items_sum)}`)));
  at("listed").append(...quality.listed.map((one) => {
    const row = element("tr");
    row.append(...[one.source, one.format, one.encoding].map((cell) => element("td", cell)), ...[one.found, one.used, one.dropped, one.rejected].map((cell) => element("td", count(cell), { class: "number" })));
    return row;
  }));
}
