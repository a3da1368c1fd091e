/**
 * The console's service worker: shows what is pushed, and says "I have it" or "Not me" from the
 * lock screen. It caches nothing and knows nobody: a button posts to the address that came with
 * it, which is the key of one person for one escalation. Deciding needs the page.
 */

/** @typedef {{ action: string, title: string, path: string }} Button */
/** @typedef {{ tag: string, title: string, body: string, path: string, at: number, is_quiet: boolean, is_open: boolean, buttons: Button[] }} Note */

const worker = /** @type {any} */ (self);
const PATIENCE_MS = 20_000;
const ICON = "/static/icon-192.png";

/** @type {Note} What is said when a push cannot be read: never nothing. */
const UNREADABLE = {
  tag: "pullcord", title: "Something happened in Pullcord", body: "Open it to see what.", path: "/",
  at: 0, is_quiet: false, is_open: false, buttons: [],
};

worker.addEventListener("install", () => worker.skipWaiting());
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("push", (/** @type {any} */ event) => event.waitUntil(inTurn(() => arrived(event.data))));
worker.addEventListener("notificationclick", (/** @type {any} */ event) => event.waitUntil(clicked(event)));
worker.addEventListener("pushsubscriptionchange", (/** @type {any} */ event) => event.waitUntil(lost()));

/** What is being done; looking at notifications while one is being shown makes browsers forget it. */
let turn = Promise.resolve();

/** One after another. @param {() => Promise<void>} work */
function inTurn(work) {
  turn = turn.then(work, work);
  return turn;
}

/** @param {any} data */
function read(data) {
  try {
    return /** @type {Note} */ ({ ...UNREADABLE, ...data.json() });
  } catch {
    return UNREADABLE;
  }
}

/** What came later stays, in whatever order a push service delivers. @param {any} data */
async function arrived(data) {
  const note = read(data);
  const [there] = await worker.registration.getNotifications({ tag: note.tag });
  const isOld = there?.data && there.data.at > note.at;
  await display(isOld ? { ...there.data, is_quiet: true } : note);
}

/** @param {Note} note */
const show = (note) => inTurn(() => display(note));

/** @param {Note} note */
async function display(note) {
  await worker.registration.showNotification(note.title, {
    body: note.body,
    tag: note.tag,
    data: note,
    timestamp: note.at || undefined,
    icon: ICON,
    badge: ICON,
    silent: note.is_quiet,
    renotify: !note.is_quiet,
    requireInteraction: note.is_open,
    actions: note.buttons.map(({ action, title }) => ({ action, title })),
  });
}

/** @param {any} event */
async function clicked(event) {
  const note = { ...UNREADABLE, ...event.notification.data };
  const button = note.buttons.find((/** @type {Button} */ each) => each.action === event.action);
  if (button) return press(note, button);
  event.notification.close();
  await open(note);
}

/** The act of one button; whatever becomes of it is said. @param {Note} note @param {Button} button */
async function press(note, button) {
  /** @type {{ text: string, is_done: boolean }} */
  let answer;
  try {
    const reply = await fetch(own(button.path), {
      method: "POST",
      headers: { accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    answer = await reply.json();
    if (reply.status >= 500 || reply.status === 429) throw new Error(answer.text);
  } catch {
    const body = `“${button.title}” was not sent: the server did not answer. Press again, or open the page.`;
    return show({ ...note, title: "Not sent", body, is_quiet: false });
  }
  const title = answer.is_done ? answer.text : "Nothing was done";
  const after = button.action === "accept" ? "Open it to decide." : "";
  const body = answer.is_done ? after : answer.text;
  await show({ ...note, title, body, buttons: [], is_open: false, is_quiet: true });
}

/** The page it is about: the window that shows it, else the inbox, else a new one. @param {Note} note */
async function open(note) {
  const url = own(note.path);
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((/** @type {any} */ each) => each.url === url);
  const inbox = pages.find((/** @type {any} */ each) => new URL(each.url).pathname === "/");
  try {
    if (page) await page.focus();
    else if (inbox) await (await inbox.focus()).navigate(url);
    else await worker.clients.openWindow(url);
  } catch {
    await show({ ...note, body: `The page could not be opened from here. Open ${url}`, is_quiet: true });
  }
}

/** The browser gave up its address at the push service: nobody is told here any more. */
async function lost() {
  const body = "The browser ended its subscription. Open Channels and link it again.";
  await show({ ...UNREADABLE, tag: "lost", title: "This browser is no longer linked", body, path: "/channels" });
}

/** Only ever our own host, whatever a note says. @param {string} path */
function own(path) {
  const url = new URL(path, worker.location.origin);
  return url.origin === worker.location.origin ? url.href : worker.location.origin + "/";
}
