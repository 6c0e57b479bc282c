// Registers the service worker, and changes to a new version when the page is idle.

export async function workOffline(idle) {
  if (!("serviceWorker" in navigator)) return false;
  try {
    const registration = await navigator.serviceWorker.register("/sw.js");
    const wasControlled = navigator.serviceWorker.controller !== null;
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      if (wasControlled) location.reload();
    });
    setInterval(() => {
      if (registration.waiting && idle()) registration.waiting.postMessage("take over");
    }, 5000);
    setInterval(() => registration.update().catch(() => {}), 3600 * 1000);
    await navigator.serviceWorker.ready;
    // The browser is asked not to clear what this page keeps.
    await navigator.storage?.persist?.();
    return true;
  } catch {
    return false;
  }
}
