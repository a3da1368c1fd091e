/**
 * What the console does beyond plain pages: it stays live, keeps what is typed, and moves by keys.
 * Every page works without this file. No dependency; nothing here writes HTML from text.
 */

const LOOK_AGAIN_MS = 20_000; // the stream is a hint; looking is the truth
const AWAY_MS = 2_000; // a database that fails over is back within seconds
const STALE_AFTER_MS = 45_000;
const SETTLE_MS = 60; // several changes at once are one look
const TOAST_MS = 4_000;

/** @type {<T extends Element = HTMLElement>(selector: string, within?: ParentNode) => T | null} */
const one = (selector, within = document) => within.querySelector(selector);
/** @type {(selector: string, within?: ParentNode) => HTMLElement[]} */
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// --- pages as documents: parsed without running anything, behind one trusted type ---------------

/** Only our own server's pages, fetched same-origin, pass through here. */
const policy = globalThis.trustedTypes?.createPolicy("pullcord", { createHTML: (text) => text });

/** @param {string} text @returns {Document} */
function parsed(text) {
  const trusted = /** @type {any} */ (policy ? policy.createHTML(text) : text);
  return new DOMParser().parseFromString(trusted, "text/html");
}

// --- swap: the page becomes the new one, and focus, folds and typed text stay -----------------

/** @param {Element} node */
const keyOf = (node) =>
  node.id || node.getAttribute("data-form") || node.getAttribute("value") || node.className.toString();

/** A field whose content a person changed since the server wrote it. @param {any} field */
function isTouched(field) {
  if (field.type === "hidden" || field.type === "submit") return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName === "SELECT") {
    return [...field.options].some((option) => option.selected !== option.defaultSelected) &&
      [...field.options].some((option) => option.defaultSelected);
  }
  return "defaultValue" in field && field.value !== field.defaultValue;
}

/** @param {ParentNode} within */
const hasTouched = (within) => all("input, textarea, select", within).some(isTouched);

/** What only this browser knows about a node. @param {string} name */
const isOurs = (name) => name === "data-changed" || name === "aria-busy";

/** @param {Element} old @param {Element} fresh */
function sameAttributes(old, fresh) {
  const keepsOpen = old.tagName === "DETAILS" || old.tagName === "DIALOG";
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !isOurs(name) && !(keepsOpen && name === "open")) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.hasAttribute("data-needs-script") && name === "hidden") continue;
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

/** @param {any} old @param {any} fresh */
function sameValue(old, fresh) {
  if (old.type === "hidden") old.value = fresh.getAttribute("value") ?? "";
  if (isTouched(old)) return;
  if (old.type === "checkbox" || old.type === "radio") old.checked = fresh.hasAttribute("checked");
  else if (old.tagName === "TEXTAREA" || old.tagName === "INPUT") old.value = fresh.defaultValue;
}

/** @param {Element} old @param {Element} fresh */
function morph(old, fresh) {
  if (old.hasAttribute("data-keep") || (old.id === "trouble" && !isAnswer)) return;
  const isField = ["INPUT", "TEXTAREA", "SELECT"].includes(old.tagName);
  if (isField && isTouched(old)) return void (old.getAttribute("type") === "hidden" || sameInvalid(old, fresh));
  sameAttributes(old, fresh);
  if (isField) sameValue(old, fresh);
  if (old.tagName !== "TEXTAREA") sameChildren(old, fresh);
}

/** Even a touched field learns that it was refused. @param {Element} old @param {Element} fresh */
function sameInvalid(old, fresh) {
  for (const name of ["aria-invalid", "aria-describedby"]) {
    const value = fresh.getAttribute(name);
    if (value === null) old.removeAttribute(name);
    else old.setAttribute(name, value);
  }
}

/** @param {Element} old @param {Element} fresh */
function sameChildren(old, fresh) {
  let at = /** @type {ChildNode | null} */ (old.firstChild);
  for (const node of [...fresh.childNodes]) {
    while (at && isShownOnce(at, fresh)) at = at.nextSibling;
    const match = matching(at, node);
    if (match) {
      if (match !== at) old.insertBefore(match, at);
      else at = at?.nextSibling ?? null;
      if (node instanceof Element) morph(/** @type {Element} */ (match), node);
      else if (match.nodeValue !== node.nodeValue) match.nodeValue = node.nodeValue;
    } else {
      old.insertBefore(document.importNode(node, true), at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    leave(at);
    at = next;
  }
}

/** What the new page no longer has and this one keeps, where it is. @param {ChildNode} node @param {Element} fresh */
function isShownOnce(node, fresh) {
  if (!(node instanceof HTMLElement) || !node.hasAttribute("data-keep")) return false;
  return [...fresh.children].every((each) => each.tagName !== node.tagName || keyOf(each) !== keyOf(node));
}

/** The node of the old page that this one continues. @param {ChildNode | null} from @param {ChildNode} node */
function matching(from, node) {
  if (!(node instanceof Element)) return from?.nodeType === node.nodeType ? from : null;
  for (let each = from; each; each = each.nextSibling) {
    if (each instanceof Element && each.tagName === node.tagName && keyOf(each) === keyOf(node)) return each;
  }
  return null;
}

/** A form with typed text is never taken away: it stays, can send nothing, and says so. @param {ChildNode} node */
function leave(node) {
  if (node instanceof HTMLElement && node.hasAttribute("data-keep")) return; // shown only once
  if (!(node instanceof HTMLElement) || !hasTouched(node)) return void node.remove();
  if (node.hasAttribute("data-kept")) return;
  node.setAttribute("data-kept", "");
  for (const button of all("button", node)) button.setAttribute("disabled", "");
  const note = document.createElement("p");
  note.className = "notice";
  note.textContent = "This can no longer be sent: it changed meanwhile. What you typed is kept here.";
  node.prepend(note);
}

/** Whether the page comes as the answer to a form: only then does it say what went wrong. */
let isAnswer = false;

/** Put a fetched page in place of this one. @param {Document} fresh @param {boolean} [answers] */
function swap(fresh, answers = false) {
  isAnswer = answers;
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  document.title = fresh.title;
  sameAttributes(document.body, fresh.body);
  for (const selector of ["#main", ".rooms", "#viewer"]) {
    const [old, now] = [one(selector), one(selector, fresh)];
    if (old && now) morph(old, now);
  }
  const toast = one("#toasts .toast", fresh);
  if (toast) say(toast.textContent?.trim() ?? "");
  dress();
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

// --- looking again ----------------------------------------------------------------------------

let seenAt = Date.now();
let isLooking = false;
let looksAgain = false;

async function look() {
  if (isLooking) return void (looksAgain = true);
  isLooking = true;
  try {
    // the answer to a form has no address of its own
    const answer = await fetch(document.body.dataset.look || location.href, { headers: { accept: "text/html" }, cache: "no-store" });
    if (answer.redirected && new URL(answer.url).pathname === "/sign-in") return void location.assign(answer.url);
    if (answer.ok) {
      swap(parsed(await answer.text()));
      seenAt = Date.now();
      showLive(stream?.readyState === EventSource.OPEN ? "live" : "reconnecting");
    }
    showAway(answer.status === 503);
  } catch {
    showLive("reconnecting");
  } finally {
    isLooking = false;
    if (looksAgain) {
      looksAgain = false;
      look();
    }
  }
}

/** @type {EventSource | undefined} */
let stream;
let settling = 0;

function listen() {
  stream = new EventSource("/v1/changes");
  const soon = () => {
    clearTimeout(settling);
    settling = setTimeout(look, SETTLE_MS);
  };
  stream.addEventListener("resync", soon);
  stream.addEventListener("changed", (event) => {
    const { topic, id } = JSON.parse(/** @type {MessageEvent} */ (event).data);
    const page = one(".case")?.dataset.id;
    if (!page || topic !== "escalation" || id === page) soon();
    seenAt = Date.now();
  });
  stream.addEventListener("open", () => showLive("live"));
  stream.addEventListener("error", () => {
    showLive("reconnecting");
    if (stream?.readyState === EventSource.CLOSED) setTimeout(listen, 2_000 + Math.random() * 3_000);
  });
}

let awaiting = 0;

/** The server is there and its database is not: say so, and look until it is. @param {boolean} isAway */
function showAway(isAway) {
  const banner = one("#away");
  if (!banner) return;
  banner.hidden = !isAway;
  clearTimeout(awaiting);
  if (!isAway) return;
  showLive("reconnecting");
  awaiting = setTimeout(look, AWAY_MS);
}

/** @param {"live" | "reconnecting"} state */
function showLive(state) {
  const pill = one("#live");
  if (!pill) return;
  const isStale = state !== "live" && Date.now() - seenAt > STALE_AFTER_MS;
  const at = new Date(seenAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const text = isStale ? `stale since ${at}` : state;
  pill.hidden = false;
  if (pill.textContent !== text) pill.textContent = text;
  pill.dataset.state = isStale ? "stale" : state;
}

// --- countdowns -------------------------------------------------------------------------------

/** @param {number} seconds */
function span(seconds) {
  const whole = Math.round(Math.abs(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min`;
  const [big, unit, small, smallUnit] = whole < 86_400
    ? [Math.floor(whole / 3_600), "h", Math.floor((whole % 3_600) / 60), "min"]
    : [Math.floor(whole / 86_400), "d", Math.floor((whole % 86_400) / 3_600), "h"];
  return small ? `${big} ${unit} ${small} ${smallUnit}` : `${big} ${unit}`;
}

let serverNow = 0;
let readAt = 0;

/** The server's clock; ours may be wrong. */
const now = () => serverNow + (performance.now() - readAt);

function tick() {
  for (const each of all("time [data-relative]")) {
    const at = Date.parse(each.closest("time")?.dateTime ?? "");
    const seconds = (at - now()) / 1_000;
    const text = Math.abs(seconds) < 1 ? "now" : seconds > 0 ? `in ${span(seconds)}` : `${span(seconds)} ago`;
    if (each.textContent !== text) each.textContent = text;
  }
}

// --- forms ------------------------------------------------------------------------------------

/** @param {SubmitEvent} event */
async function send(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.dataset.form || form.method !== "post") return;
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  const body = new URLSearchParams(/** @type {any} */ (new FormData(form, event.submitter)));
  if (body.get("decision") === "edit" && !body.has("reviewed")) body.set("reviewed", "live");
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/html" } });
    if (!(answer.headers.get("content-type") ?? "").startsWith("text/html")) throw new Error("no page");
    arrive(form, answer, parsed(await answer.text()));
  } catch {
    say("Not sent: the server did not answer. What you typed is still here; try again.");
  } finally {
    form.removeAttribute("aria-busy");
  }
}

/** @param {HTMLFormElement} form @param {Response} answer @param {Document} fresh */
function arrive(form, answer, fresh) {
  const url = new URL(answer.url);
  if (!one(".case", fresh) || (answer.redirected && url.pathname !== location.pathname)) {
    if (answer.redirected) return void location.assign(url.href);
    return void say(one("h1", fresh)?.textContent + ": " + (one("[role=alert]", fresh)?.textContent ?? ""));
  }
  if (answer.redirected) {
    form.reset();
    for (const fold of all("details.act[open], .aside-form[open]")) fold.removeAttribute("open");
  }
  swap(fresh, true);
  seenAt = Date.now();
  const target = one("[aria-invalid=true]") ?? one("#problem") ?? (answer.redirected ? one("#main") : null);
  target?.focus({ preventScroll: Boolean(answer.redirected) });
}

/** What the arguments change, as the person types. */
function showDifference() {
  const box = one("#difference");
  if (!box || !one("[data-decide]")) return;
  const changes = all(".argument").flatMap((field) => {
    const input = /** @type {any} */ (one("[data-original]", field));
    const value = input?.type === "checkbox" ? (input.checked ? "yes" : "no") : input?.value;
    const before = input?.dataset.original;
    const asSent = input?.tagName === "INPUT" ? before?.replace(/[\r\n]/g, "") : before;
    const isChanged = input && value !== asSent;
    field.toggleAttribute("data-changed", Boolean(isChanged));
    return isChanged ? [[field.dataset.path ?? "", before, value]] : [];
  });
  box.hidden = changes.length === 0;
  one("ul", box)?.replaceChildren(...changes.map(line));
  const approve = /** @type {HTMLButtonElement | null} */ (one("[data-decision=approve]"));
  const edit = /** @type {HTMLButtonElement | null} */ (one("[data-decision=edit]"));
  if (approve && edit) [approve.disabled, edit.disabled] = [changes.length > 0, changes.length === 0];
}

/** @param {string[]} change */
function line([path, before, after]) {
  const item = document.createElement("li");
  const parts = [["span", path], ["del", before || "(empty)"], ["span", "→"], ["ins", after || "(empty)"]];
  for (const [tag, text] of parts) {
    const part = document.createElement(tag);
    part.textContent = text;
    if (text === path) part.className = "change-path";
    item.append(part, " ");
  }
  return item;
}

/** @param {string} text */
function say(text) {
  const toast = document.createElement("p");
  toast.className = "toast";
  toast.textContent = text;
  one("#toasts")?.replaceChildren(toast);
  setTimeout(() => toast.remove(), TOAST_MS + 50 * text.length);
}

// --- keys -------------------------------------------------------------------------------------

const LETTERS_OFF = "pullcord.letters-off";
/** Where `g` and a letter lead. @type {Record<string, string>} */
const PLACES = { i: "/", c: "/on-call", p: "/people", r: "/policy", k: "/keys" };
let isGoing = false;

/** @param {KeyboardEvent} event */
function press(event) {
  if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    return openPalette();
  }
  const target = /** @type {HTMLElement} */ (event.target);
  const isTyping = target.closest("input:not([type=checkbox], [type=radio]), textarea, select, dialog");
  if (event.key === "Escape" && isTyping && !target.closest("dialog")) return target.blur();
  if (isTyping || event.metaKey || event.ctrlKey || event.altKey || localStorage.getItem(LETTERS_OFF)) return;
  if (isGoing) {
    isGoing = false;
    if (PLACES[event.key]) location.assign(PLACES[event.key]);
    return;
  }
  if (event.key === "g") isGoing = true;
  else if (event.key === "?") open("#keys-help");
  else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
  else if (event.key === "o" && target.matches("[data-row]")) target.click();
  else if (!moveTo(event.key)) return;
  event.preventDefault();
}

/** Letters only move there; links are followed, nothing is ever sent. @param {string} key */
function moveTo(key) {
  const wanted = key === "e" ? ".argument [data-original], [data-key=e]" : `[data-key="${CSS.escape(key)}"]`;
  const first = all(wanted).find((each) => !each.hasAttribute("disabled") && each.checkVisibility());
  if (!first) return false;
  if (first.matches("a, #previous, #next")) return first.click(), true;
  if (first.matches("summary")) {
    const fold = /** @type {HTMLDetailsElement} */ (first.parentElement);
    fold.open = true;
    (one("textarea, input:not([type=hidden]), select, button", fold) ?? first).focus();
  } else {
    first.focus();
    if (first instanceof HTMLInputElement) first.select();
  }
  first.scrollIntoView({ block: "nearest" });
  return true;
}

/** @param {number} by */
function step(by) {
  const rows = all("[data-row]");
  const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
}

/** @param {string} selector */
function open(selector) {
  const dialog = /** @type {HTMLDialogElement | null} */ (one(selector));
  if (dialog && !dialog.open) dialog.showModal();
}

// --- the palette: every room, row and act of this page ------------------------------------------

function openPalette() {
  open("#palette");
  const find = /** @type {HTMLInputElement} */ (one("#palette-find"));
  find.value = "";
  offer("");
  find.focus();
}

/** @returns {{ text: string, hint: string, go: () => void }[]} */
function goals() {
  const links = all("[data-go], [data-row]").map((each) => ({
    text: each.textContent?.trim() ?? "", hint: each.matches("[data-row]") ? "escalation" : "room", go: () => each.click(),
  }));
  const acts = all("[data-key]").filter((each) => each.checkVisibility() && !each.matches("#previous, #next")).map((each) => ({
    text: (each.getAttribute("aria-label") ?? one(".option-label", each)?.textContent ?? each.textContent ?? "").trim() || "Arguments",
    hint: each.dataset.key ?? "", go: () => void moveTo(each.dataset.key ?? ""),
  }));
  return [...acts, ...links].filter((each) => each.text);
}

/** @param {string} wanted */
function offer(wanted) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const found = goals().filter((each) => words.every((word) => each.text.toLowerCase().includes(word))).slice(0, 12);
  one("#palette-found")?.replaceChildren(...found.map((each, index) => {
    const item = document.createElement("li");
    const hint = document.createElement("span");
    Object.assign(item, { id: `found-${index}`, textContent: each.text.slice(0, 90) });
    Object.assign(hint, { className: "soft small", textContent: each.hint });
    item.setAttribute("role", "option");
    item.addEventListener("click", () => choose(each.go));
    item.append(hint);
    return item;
  }));
  mark(0);
}

/** @param {() => void} go */
function choose(go) {
  /** @type {HTMLDialogElement} */ (one("#palette")).close();
  go();
}

/** @param {number} index */
function mark(index) {
  const items = all("#palette-found [role=option]");
  const at = Math.min(items.length - 1, Math.max(0, index));
  items.forEach((item, each) => item.setAttribute("aria-selected", String(each === at)));
  items[at]?.scrollIntoView({ block: "nearest" });
  one("#palette-find")?.setAttribute("aria-activedescendant", items[at]?.id ?? "");
}

/** @param {KeyboardEvent} event */
function pressInPalette(event) {
  const items = all("#palette-found [role=option]");
  const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown") mark(at + 1);
  else if (event.key === "ArrowUp") mark(at - 1);
  else if (event.key === "Enter") items[at]?.click();
  else return;
  event.preventDefault();
}

// --- beginning ----------------------------------------------------------------------------------

/** What is done again after each swap. */
function dress() {
  for (const each of all("[data-needs-script]")) each.hidden = false;
  serverNow = Date.parse(document.body.dataset.now ?? "") || Date.now();
  readAt = performance.now();
  const rows = all("[data-row]").map((each) => each.getAttribute("href"));
  if (document.body.dataset.page === "inbox") sessionStorage.setItem("pullcord.rows", JSON.stringify(rows));
  tick();
  showDifference();
}

/** @param {number} by */
function turn(by) {
  const rows = JSON.parse(sessionStorage.getItem("pullcord.rows") ?? "[]");
  const to = rows[rows.indexOf(location.pathname) + by];
  if (to) location.assign(to);
  else say(by > 0 ? "That was the last one." : "That was the first one.");
}

/** @param {MouseEvent} event */
function click(event) {
  const target = /** @type {HTMLElement} */ (event.target).closest("button, a, summary");
  if (target?.id === "previous" || target?.id === "next") turn(target.id === "next" ? 1 : -1);
  const opens = target?.getAttribute("data-opens");
  if (opens) open(`#${opens}`);
  const copies = target?.getAttribute("data-copies");
  if (copies) {
    navigator.clipboard?.writeText(/** @type {HTMLInputElement} */ (one(`#${copies}`)).value).then(() => say("Copied."));
  }
  for (const fold of all("#viewer[open], .aside-form[open]")) {
    if (!fold.contains(/** @type {Node} */ (event.target))) fold.removeAttribute("open");
  }
}

function begin() {
  if (location.search.includes("did=")) {
    const url = new URL(location.href);
    url.searchParams.delete("did");
    history.replaceState(null, "", url);
    setTimeout(() => one("#toasts .toast")?.remove(), TOAST_MS);
  }
  /** @type {HTMLFormElement | null} */ (one("#welcome"))?.requestSubmit();
  dress();
  document.addEventListener("click", click);
  if (!one("#live")) return;
  const letters = /** @type {HTMLInputElement} */ (one("#letters"));
  letters.checked = !localStorage.getItem(LETTERS_OFF);
  letters.addEventListener("change", () => {
    if (letters.checked) localStorage.removeItem(LETTERS_OFF);
    else localStorage.setItem(LETTERS_OFF, "yes");
  });
  document.addEventListener("keydown", press);
  document.addEventListener("submit", send);
  document.addEventListener("input", showDifference);
  one("#palette-find")?.addEventListener("input", (event) => offer(/** @type {HTMLInputElement} */ (event.target).value));
  one("#palette-find")?.addEventListener("keydown", /** @type {any} */ (pressInPalette));
  document.addEventListener("visibilitychange", () => document.hidden || look());
  setInterval(tick, 1_000);
  setInterval(() => document.hidden || look(), LOOK_AGAIN_MS);
  one("[data-focus]")?.focus();
  listen();
}

begin();
