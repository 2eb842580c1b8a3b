import DataTable from "datatables";

// Texts of data and models come in only as text nodes, and DataTables never gets one to show.
const page = JSON.parse(document.getElementById("data").textContent);
const STANDINGS = ["direct", "rationalized", "doubtful", "rejected", "unanswered"];
const KEPT = ["direct", "rationalized"];

// What would turn the direction of the texts behind it, or not be seen, is written out.
const HIDDEN = /(?![\t\r\n])[\p{Bidi_Control}\p{Cc}]/gu;
const visible = (text) => text.replace(HIDDEN, (sign) => `\\u${sign.codePointAt(0).toString(16).padStart(4, "0")}`);

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null).map((child) => (typeof child === "string" ? visible(child) : child)));
  return node;
}

// DataTables decodes entities of what it searches.
const searched = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

// A column that DataTables sorts and searches by a text, and whose cells we fill.
function column(title, text, fill, options = {}) {
  return {
    title,
    type: "string",
    data: (row, type) => (type === "display" ? "" : type === "filter" ? searched(String(text(row))) : text(row)),
    createdCell: (cell, _, row) => {
      if (options.name) cell.dataset.name = options.name;
      cell.append(fill(row));
    },
    ...options,
  };
}

const standing = (name) => make("span", { class: `standing ${name}` }, name);

function tile(sheet, index, widest) {
  const width = Math.min(Math.max(sheet.width, 96), widest);
  const height = (width * sheet.height) / sheet.width;
  const rows = Math.ceil(sheet.count / sheet.columns);
  const node = make("span", { class: "tile" });
  node.style.width = `${width}px`;
  node.style.height = `${height}px`;
  node.style.backgroundImage = `url(data:image/jpeg;base64,${sheet.jpeg})`;
  node.style.backgroundSize = `${width * sheet.columns}px ${height * rows}px`;
  node.style.backgroundPosition = `${-width * (index % sheet.columns)}px ${-height * Math.floor(index / sheet.columns)}px`;
  return node;
}

const sheetOf = (sample) => page.sheets[sample.sheet];

function strip(sheet) {
  if (typeof sheet === "string") return make("p", { class: "note" }, sheet);
  const tiles = Array.from({ length: sheet.count }, (_, index) =>
    make("li", {}, tile(sheet, index, 160), sheet.times ? make("small", {}, `${sheet.times[index].toFixed(2)} s`) : null));
  return make("ul", { class: "strip", "aria-label": `${sheet.count} frames, as the model saw them` }, ...tiles);
}

// Places count characters as Python does: code points.
function marked(text, labels) {
  const signs = Array.from(text);
  const places = labels.filter((label) => label.place).sort((a, b) => a.place[0] - b.place[0]);
  const parts = [];
  let done = 0;
  for (const { place: [start, end], outcome, kind } of places) {
    if (start < done) continue;
    parts.push(signs.slice(done, start).join(""), make("mark", { class: outcome, title: `read as ${kind}` }, signs.slice(start, end).join("")));
    done = end;
  }
  return make("p", { class: "text" }, ...parts, signs.slice(done).join(""));
}

function attempt({ origin, text, finish_reason, verdict }) {
  const labels = verdict ? verdict.labels : [];
  const judged = verdict ? `${verdict.outcome}, ${verdict.reason}` : "not judged";
  const said = { direct: "answer", rationalized: "explanation of the label" }[origin];
  return make("div", { class: "attempt" },
    make("p", {}, `${said}: ${judged}${finish_reason === "length" ? "; cut off at the limit of tokens" : ""}`),
    marked(text, labels),
    make("ul", {}, ...labels.map((label) => make("li", {},
      `${label.kind}: ${label.extracted === null ? "nothing read" : `read “${label.extracted}”`}; ${label.reason}; ${label.score.toFixed(2)} of ${label.threshold.toFixed(2)} needed`))));
}

function life(sample) {
  const [video, start, end] = sample.clip;
  const sheet = sheetOf(sample);
  const cut = start === null && end === null ? "" : `, ${start ?? 0} s to ${end === null ? "its end" : `${end} s`}`;
  const size = sheet.seen ? `, read at ${sheet.seen[0]} × ${sheet.seen[1]} pixels` : "";
  const facts = [
    ["Question", sample.question],
    ...sample.labels.map((label) => [`Label (${label.kind})`, label.text]),
    ["Video", `${video}${cut}${size}`],
    ["Data set", sample.dataset],
  ];
  return make("div", { class: "life" },
    strip(sheet),
    make("dl", { class: "facts" }, ...facts.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)])),
    make("div", { class: "in-rounds" }, ...sample.rounds.map((round, index) =>
      make("section", { "aria-label": page.rounds[index] },
        make("h4", {}, make("span", {}, page.rounds[index]), standing(round.standing)),
        ...round.attempts.map(attempt),
        round.attempts.length ? null : make("p", { class: "note" }, "No answer.")))));
}

function sampleCell(sample) {
  const sheet = sheetOf(sample);
  const picture = typeof sheet === "string" ? make("span", { class: "no-tile" }) : tile(sheet, Math.floor(sheet.count / 2), 54);
  return make("div", { class: "sample" }, picture,
    make("button", { class: "open", type: "button", "aria-expanded": "false" }, sample.id),
    make("span", { class: "sub" }, sample.question));
}

const labelText = (sample) => sample.labels.map((label) => label.text).join("; ");
const everything = (sample) => [sample.id, sample.question, sample.clip[0], labelText(sample),
  ...sample.rounds.flatMap((round) => round.attempts.map((one) => one.text))].join("\n");
const reasonsOf = (rounds) => rounds.flatMap((round) => round.attempts.flatMap((one) => (one.verdict ? [one.verdict.reason] : [])));

function showSamples() {
  const form = document.getElementById("filters");
  const table = new DataTable("#sample-table", {
    data: page.samples,
    autoWidth: false,
    pageLength: 25,
    order: [[0, "asc"]],
    layout: { topStart: null, topEnd: null, bottomStart: "info", bottomEnd: "paging" },
    language: { info: "_START_ to _END_ of _TOTAL_", infoFiltered: "(of _MAX_)", infoEmpty: "none", zeroRecords: "No sample is like that." },
    columns: [
      column("Sample", (sample) => sample.id, sampleCell),
      column("Label", labelText, (sample) => make("div", {}, make("span", { class: "sub" }, labelText(sample)))),
      column("Kind", (sample) => sample.kinds.join(", "), (sample) => make("span", { class: "sub" }, sample.kinds.join(", ")), { className: "kind" }),
      ...page.rounds.map((name, index) =>
        column(name, (sample) => STANDINGS.indexOf(sample.rounds[index].standing), (sample) => standing(sample.rounds[index].standing), { name, type: "num", searchable: false })),
      { title: "", visible: false, data: (sample, type) => (type === "filter" ? searched(everything(sample)) : "") },
    ],
  });

  const count = (values) => {
    const counts = new Map();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    return [...counts].sort((a, b) => (a[0] < b[0] ? -1 : 1));
  };
  const fill = (name, options) => form.elements[name].append(...options.map(([value, text]) => make("option", { value }, text)));
  const counted = (values) => [["", "any"], ...count(values).map(([value, n]) => [value, `${value} (${n})`])];
  fill("round", [...page.rounds.map((name, index) => [index, name]).reverse(), ["", "any"]]);
  fill("outcome", [["", "any"], ["kept", "kept (direct or rationalized)"], ...STANDINGS.map((name) => [name, name])]);
  fill("changed", [["", "any"], ["passing", "newly passing"], ["failing", "newly failing"], ["direct", "newly direct"], ["other", "any change"]]);
  fill("kind", counted(page.samples.flatMap((sample) => sample.kinds)));
  fill("dataset", counted(page.samples.map((sample) => sample.dataset)));
  fill("reason", counted(page.samples.flatMap((sample) => [...new Set(reasonsOf(sample.rounds))])));

  const chosen = (name) => form.elements[name].value;
  const places = () => (chosen("round") === "" ? page.rounds.map((_, index) => index) : [Number(chosen("round"))]);
  const CHANGES = {
    passing: (before, after) => !KEPT.includes(before) && KEPT.includes(after),
    failing: (before, after) => KEPT.includes(before) && !KEPT.includes(after),
    direct: (before, after) => before !== "direct" && after === "direct",
    other: (before, after) => before !== after,
  };
  const fits = (sample) => {
    const [outcome, changed, kind, dataset, reason] = ["outcome", "changed", "kind", "dataset", "reason"].map(chosen);
    const at = places();
    const rounds = at.map((index) => sample.rounds[index]);
    return (!kind || sample.kinds.includes(kind)) && (!dataset || sample.dataset === dataset)
      && (!outcome || rounds.some((round) => (outcome === "kept" ? KEPT.includes(round.standing) : round.standing === outcome)))
      && (!reason || reasonsOf(rounds).includes(reason))
      && (!changed || at.some((index) => index > 0 && CHANGES[changed](sample.rounds[index - 1].standing, sample.rounds[index].standing)));
  };
  table.search.fixed("filters", (_, sample) => fits(sample));
  const redraw = () => table.search(chosen("text")).draw();
  form.addEventListener("input", redraw);
  form.addEventListener("reset", () => setTimeout(redraw));
  form.addEventListener("submit", (event) => event.preventDefault());

  const body = table.table().body();
  const toggle = (row) => {
    const shown = !row.child.isShown();
    if (shown) {
      row.child(life(row.data()), "open-row").show();
    } else {
      row.child.remove();
    }
    row.node().querySelector(".open").setAttribute("aria-expanded", String(shown));
  };
  body.addEventListener("click", (event) => {
    const node = event.target.closest("tr");
    if (node && node.querySelector(":scope > td .open") && !String(getSelection())) toggle(table.row(node));
  });
  body.addEventListener("keydown", (event) => {
    const node = event.target.closest("tbody > tr");
    const buttons = [...body.querySelectorAll(".open")];
    const own = (node?.classList.contains("open-row") ? node.previousElementSibling : node)?.querySelector(".open");
    const next = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (next && event.target === own) {
      buttons[buttons.indexOf(own) + next]?.focus();
      event.preventDefault();
    } else if (event.key === "Escape" && own?.getAttribute("aria-expanded") === "true") {
      toggle(table.row(own.closest("tr")));
      own.focus();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, select")) {
      form.elements.text.focus();
      event.preventDefault();
    }
  });
}

function showLost() {
  const text = (title, key) => column(title, (row) => row[key], (row) => make("span", {}, row[key]), { name: title });
  new DataTable("#lost-table", {
    data: page.lost,
    autoWidth: false,
    order: [],
    layout: { topStart: "search", topEnd: null, bottomStart: "info", bottomEnd: "paging" },
    language: { search: "Search", info: "_START_ to _END_ of _TOTAL_", infoFiltered: "(of _MAX_)", infoEmpty: "none", zeroRecords: "Nothing is like that." },
    columns: [text("Sample", "sample_id"), text("Round", "round"), text("Step", "step"), text("Reason", "error"), text("Message", "message")],
  });
}

showSamples();
if (document.getElementById("lost-table")) showLost();
document.documentElement.dataset.ready = "";
