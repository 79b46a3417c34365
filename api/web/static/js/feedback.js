/** Says so when a part of a page could not be loaded. */

const SHOWN_MS = 8000;
const SIGNED_OUT = new Set([401, 403]);

/**
 * Listen to htmx's failures; a page whose reader is no longer signed in is asked for anew.
 * @param {Document} page
 */
export function installFeedback(page) {
  const toast = page.getElementById("toast");
  let timer = 0;
  const show = (words) => {
    toast.textContent = words;
    clearTimeout(timer);
    timer = setTimeout(() => { toast.textContent = ""; }, SHOWN_MS);
  };
  page.addEventListener("htmx:sendError", () => show(toast.dataset.offline));
  page.addEventListener("htmx:responseError", (event) => {
    if (SIGNED_OUT.has(event.detail.xhr.status)) page.location.reload();
    else show(toast.dataset.failed);
  });
}
