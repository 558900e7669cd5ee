// Shows what the server tells: figures as text, never as markup. The clock between two tellings is
// our own, set by the server's.
"use strict";

const STALE_MS = 15000, SPEAK_MS = 30000, RETRY_MS = 2000;
const NONE = "–";
const element = (id) => document.getElementById(id);
let told = null, ahead = 0, heard = 0, spoke = 0, link = "connecting";

const number = (value) => value === null || value === undefined ? NONE : String(Math.round(value));
const instant = (text) => text ? Date.parse(text) : null;
const now = () => Date.now() + ahead;

function lasting(ms) {
  const s = Math.max(0, Math.floor(ms / 1000)), m = Math.floor(s / 60), h = Math.floor(m / 60);
  if (h >= 48) return `${Math.floor(h / 24)} d`;
  if (h) return `${h} h ${String(m % 60).padStart(2, "0")} min`;
  return m >= 10 ? `${m} min` : m ? `${m} min ${String(s % 60).padStart(2, "0")} s` : `${s} s`;
}

// The clock of the desk; with the date, if it is of another day.
function clock(text, { tz, date }) {
  const at = new Date(text), day = at.toLocaleDateString("en-CA", { timeZone: tz });
  return (day === date ? "" : `${day} `) + at.toLocaleTimeString("en-GB", { timeZone: tz });
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function since(node, at) {
  node.dataset.since = at ?? "";
  put(node, at ? lasting(now() - at) : NONE);
}

function row(cells) {
  const line = document.createElement("tr");
  for (const [text, kind, at] of cells) {
    const cell = document.createElement(kind === "head" ? "th" : "td");
    if (kind === "head") cell.scope = "row"; else if (kind) cell.className = kind;
    if (at === undefined) cell.textContent = text; else since(cell, at);
    line.append(cell);
  }
  return line;
}

function list(desk, name, rows, empty) {
  const body = desk.querySelector(`[data-list="${name}"]`);
  if (!rows.length) {
    const cell = document.createElement("td");
    cell.colSpan = 4; cell.className = "offline"; cell.textContent = empty;
    const line = document.createElement("tr");
    line.append(cell);
    rows = [line];
  }
  body.replaceChildren(...rows);
}

// A bar an hour, and a line for the usual day: nothing that would need a library.
function chart(box, today, tz) {
  const usual = today.arrivals.normal_by_hour, counts = today.arrivals.by_hour;
  const most = Math.max(1, ...counts, ...(usual ?? []));
  const make = (name, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  const svg = make("svg", { viewBox: "0 0 240 100", preserveAspectRatio: "none", role: "img" });
  svg.setAttribute("aria-label", `Arrivals by hour today, ${tz}: `
    + counts.map((count, hour) => `${hour} h ${count}`).join(", "));
  counts.forEach((count, hour) => {
    const height = 98 * count / most;
    svg.append(make("rect", { class: "now", x: hour * 10 + 1.5, y: 100 - height, width: 7, height }));
  });
  if (usual) {
    const points = usual.map((mean, hour) => `${hour * 10 + 5},${100 - 98 * mean / most}`);
    svg.append(make("polyline", { class: "usual", points: points.join(" ") }));
  }
  const axis = document.createElement("div");
  axis.className = "axis"; axis.setAttribute("aria-hidden", "true");
  for (const text of ["0 h", "6 h", "12 h", "18 h"]) {
    axis.append(Object.assign(document.createElement("span"), { textContent: text }));
  }
  box.replaceChildren(svg, axis);
}

function against(days, counted) {
  if (days === null) return "a usual day is being worked out";
  if (!days || counted.normal_until_now === null) return "no such day recorded to compare with";
  return `usually ${Math.round(counted.normal_until_now)} by now`;
}

function keys(project) {
  const { gauges, today, service } = project;
  const ratio = service.ratio === null ? NONE : `${Math.floor(service.ratio * 100)} %`;
  return { ...gauges, arrivals_count: today.arrivals.count, closes_count: today.closes.count, service_ratio: ratio };
}

function recorder(node, project) {
  const { state, last_event_at, covered_until, last_day, why } = project.recorder;
  const until = covered_until ?? last_event_at;
  node.className = state === "down" ? "recorder down" : "recorder";
  node.dataset.state = state;
  put(node, {
    empty: "Nothing is recorded of this project yet.",
    recording: `Recorder at work; last event ${last_event_at ? clock(last_event_at, project) : "more than two days ago"}.`,
    down: until
      ? `Nothing is recorded since ${clock(until, project)}${why ? ` (${why})` : ""}: the figures are what was known then.`
      : `Nothing is recorded since ${last_day}: there are no figures.`,
  }[state]);
}

const STATES = { incoming: "nobody has it", assigned: "not answered", active: "spoke last" };

function late(desk, project) {
  put(desk.querySelector('[data-part="late-count"]'), project.late_count ? `(${project.late_count})` : "");
  list(desk, "late", project.late.map((one) => row([
    [one.conversation_id.slice(-8), "head"], ["", "number", instant(one.waiting_since)],
    [STATES[one.state]],
    [[one.agent_name, one.department_name].filter(Boolean).join(" · ") || NONE],
  ])), "Nobody.");
}

function agents(desk, project) {
  list(desk, "agents", project.agents.map((one) => {
    const full = one.state === "available" && one.is_at_limit;
    return row([
      [one.agent_name, "head"],
      [full ? "at the limit" : one.profile_status && one.state !== "available" ? `${one.state} (${one.profile_status})` : one.state, full ? "full" : one.state],
      [one.chat_limit === null ? `${one.chats_count}` : `${one.chats_count} / ${one.chat_limit}`, "number"],
      ["", "number", instant(one.since)],
    ]);
  }), "Nobody is known yet.");
}

function show(desk, project, told_at) {
  const { gauges, today, service } = project, values = keys(project);
  put(desk.querySelector('[data-text="project_id"]'), project.project_id);
  put(desk.querySelector('[data-text="day"]'), `${project.date}, ${project.tz}`);
  for (const node of desk.querySelectorAll("[data-key]")) {
    const key = node.dataset.key;
    if ("since" in node.dataset) {
      const s = gauges[`${key}_s`];
      since(node, s === null ? null : told_at - s * 1000);
    } else {
      put(node, typeof values[key] === "string" ? values[key] : number(values[key]));
    }
  }
  const part = (name, text) => put(desk.querySelector(`[data-part="${name}"]`), text);
  part("slots", gauges.slots_count === null ? "a chat limit is not known: see --chat-limit" : `of ${gauges.slots_count}`);
  part("arrivals", against(today.normal_days, today.arrivals));
  part("closes", against(today.normal_days, today.closes));
  part("service", service.base_count ? `${service.in_time_count} of ${service.base_count} answered within ${service.target_s} s` : "no chat counts yet");
  part("most", `at most ${Math.max(0, ...today.arrivals.by_hour)} an hour`);
  part("usual", today.normal_days ? `the mean of ${today.normal_days} such weekday${today.normal_days > 1 ? "s" : ""}` : "no usual day yet");
  recorder(desk.querySelector('[data-part="recorder"]'), project);
  desk.classList.toggle("bare", !project.recorder.covered_until && !project.recorder.last_event_at);
  desk.querySelector('[data-tile="incoming"]').classList.toggle("bad", gauges.waiting_max_s > service.target_s);
  late(desk, project);
  agents(desk, project);
  chart(desk.querySelector('[data-part="chart"]'), today, project.tz);
}

function desks(projects) {
  const main = element("desks");
  const shown = [...main.querySelectorAll(".desk")];
  if (projects.map((one) => one.project_id).join() !== shown.map((one) => one.dataset.project).join()) {
    main.replaceChildren(...projects.map((project) => {
      const desk = element("desk").content.cloneNode(true).firstElementChild;
      desk.dataset.project = project.project_id;
      return desk;
    }));
  }
  if (!projects.length) {
    const text = told.trouble || told.awaited_count ? "There are no figures yet." : "Nothing is recorded in this archive yet. What a recorder writes appears here by itself.";
    main.replaceChildren(Object.assign(document.createElement("p"), { className: "nothing", textContent: text }));
  }
  return [...main.querySelectorAll(".desk")];
}

function speak(projects) {
  if (Date.now() - spoke < SPEAK_MS) return;
  const said = projects.map(({ gauges, recorder }) => recorder.state === "down" ? "Nothing is being recorded."
    : `${gauges.incoming_count} waiting, ${gauges.assigned_count} assigned, ${gauges.active_count} active.`).join(" ");
  if (element("spoken").textContent !== said) { put(element("spoken"), said); spoke = Date.now(); }
}

function take(text) {
  told = JSON.parse(text);
  heard = Date.now();
  ahead = instant(told.now) - heard;
  link = "live";
  const places = desks(told.projects);
  told.projects.forEach((project, n) => show(places[n], project, instant(project.asked_at)));
  const notice = told.trouble ?? (told.awaited_count ? `Projects still being read: ${told.awaited_count}.` : "");
  element("notice").hidden = !notice;
  element("notice").className = told.trouble ? "trouble" : "";
  put(element("notice"), notice);
  speak(told.projects);
  tell();
}

function tell() {
  const asked = told ? Math.max(0, ...told.projects.map((one) => instant(one.asked_at))) : 0;
  const age = asked ? now() - asked : 0;
  const silent = Date.now() - heard > STALE_MS;
  const state = link === "live" && (silent || age > STALE_MS || told.trouble) ? "stale" : link;
  element("link").dataset.state = state;
  const at = asked ? `; the figures are ${lasting(age)} old` : "";
  put(element("link-text"), { connecting: "Connecting …", live: "Live", stale: `No news${at}`, lost: `Reconnecting …${at}` }[state]);
}

function listen() {
  const source = new EventSource("events");
  source.onmessage = (event) => take(event.data);
  source.addEventListener("alive", () => { heard = Date.now(); });
  source.onerror = () => {
    link = "lost";
    tell();
    if (source.readyState === EventSource.CLOSED) {  // refused: the token may have changed
      source.close();
      setTimeout(() => fetch("state").then((answer) => answer.status === 401 ? location.reload() : listen(), listen), RETRY_MS);
    }
  };
}

setInterval(() => {
  tell();
  for (const node of document.querySelectorAll("[data-since]")) {
    if (node.dataset.since) put(node, lasting(now() - Number(node.dataset.since)));
  }
}, 1000);
listen();
