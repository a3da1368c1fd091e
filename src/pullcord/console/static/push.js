/**
 * Links this browser on the Channels page, so that it is notified when it is closed. Whatever stands
 * in the way is said in words: a browser that cannot, a person who said no, a push service that
 * does not answer.
 */

const policy = globalThis.trustedTypes?.createPolicy("pullcord-worker", {
  createScriptURL: () => "/worker.js",
});
const WORKER = /** @type {any} */ (policy ? policy.createScriptURL("") : "/worker.js");

const SAYS = {
  insecure: "Browsers notify only over https. Open the console at its https address to link this browser.",
  phone: "On iPhone and iPad first add Pullcord to the Home Screen: Share, then “Add to Home Screen”. Open it from there and come back to this page.",
  cannot: "This browser cannot be notified while it is closed. Use a current Chrome, Edge, Firefox or Safari, and no private window.",
  denied: "Notifications of this site are blocked in this browser. Allow them in its site settings, next to the address, then load this page again.",
  ready: "This browser is not linked.",
  linked: "This browser is linked.",
  stale: "This browser was linked with a key that is no longer used. Link it again.",
};

const block = /** @type {HTMLElement | null} */ (document.querySelector("[data-browser]"));

/** @param {string} text @param {boolean} [isProblem] */
function say(text, isProblem = false) {
  const line = /** @type {HTMLElement} */ (block?.querySelector("[data-says]"));
  line.textContent = text;
  line.classList.toggle("gap-inline", isProblem);
}

/** What stands in the way here; empty when nothing does. @returns {"insecure" | "phone" | "cannot" | "denied" | ""} */
function obstacle() {
  if (!globalThis.isSecureContext) return "insecure";
  const isOnHomeScreen = /** @type {any} */ (navigator).standalone;
  const can = "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;
  if (isOnHomeScreen === false && !can) return "phone";
  if (!can) return "cannot";
  return Notification.permission === "denied" ? "denied" : "";
}

/** @param {string} endpoint */
async function accountOf(endpoint) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  return [...new Uint8Array(digest)].map((each) => each.toString(16).padStart(2, "0")).join("");
}

/** @param {ArrayBuffer | null | undefined} key */
const packed = (key) =>
  btoa(String.fromCharCode(...new Uint8Array(key ?? new ArrayBuffer(0))))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function subscription() {
  const registration = await navigator.serviceWorker.getRegistration("/");
  return (await registration?.pushManager.getSubscription()) ?? null;
}

/** Shows how it stands. @param {HTMLElement} within */
async function look(within) {
  const link = /** @type {HTMLButtonElement} */ (within.querySelector("[data-link]"));
  const why = obstacle();
  if (why) return say(SAYS[why], true);
  const there = await subscription();
  const account = there ? await accountOf(there.endpoint) : "";
  const row = account && document.querySelector(`[data-account="${account}"]`);
  const isOurs = there && packed(there.options.applicationServerKey) === within.dataset.key;
  if (row) {
    row.querySelector("[data-here]")?.removeAttribute("hidden");
    row.addEventListener("submit", () => void there?.unsubscribe());
  }
  link.hidden = Boolean(row && isOurs);
  say(row ? (isOurs ? SAYS.linked : SAYS.stale) : SAYS.ready);
}

/** Asks the person, then the push service, then our server. @param {HTMLElement} within */
async function linkUp(within) {
  if ((await Notification.requestPermission()) !== "granted") return say(SAYS.denied, true);
  await navigator.serviceWorker.register(WORKER, { scope: "/" });
  const registration = await navigator.serviceWorker.ready;
  await (await registration.pushManager.getSubscription())?.unsubscribe();
  const made = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: within.dataset.key,
  });
  const form = /** @type {HTMLFormElement} */ (within.querySelector("form"));
  /** @type {HTMLInputElement} */ (form.elements.namedItem("name")).value = nameOf();
  /** @type {HTMLInputElement} */ (form.elements.namedItem("address")).value = JSON.stringify(made);
  form.submit();
}

/** What the person knows this browser by: "Chrome on Android". */
function nameOf() {
  const said = navigator.userAgent;
  const browsers = { Edg: "Edge", OPR: "Opera", Firefox: "Firefox", FxiOS: "Firefox", CriOS: "Chrome", Chrome: "Chrome", Safari: "Safari" };
  const systems = { Android: "Android", iPhone: "iPhone", iPad: "iPad", Windows: "Windows", Mac: "Mac", CrOS: "ChromeOS", Linux: "Linux" };
  const first = (/** @type {Record<string, string>} */ names) => Object.entries(names).find(([word]) => said.includes(word))?.[1];
  return `${first(browsers) ?? "Browser"} on ${first(systems) ?? "this device"}`;
}

if (block) {
  const within = block;
  const link = /** @type {HTMLButtonElement} */ (within.querySelector("[data-link]"));
  link.addEventListener("click", async () => {
    link.disabled = true;
    say("Asking…");
    try {
      await linkUp(within);
    } catch (error) {
      say(`The browser's push service did not answer (${/** @type {Error} */ (error).message}). Some browsers switch it off: look into their privacy settings, then try again.`, true);
    }
    link.disabled = false;
  });
  look(within).catch(() => say(SAYS.cannot, true));
}
