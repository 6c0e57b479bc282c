// The service worker: keeps the pages and programs, so that they open without a
// network. version and files come before this text. Files of one version are taken up
// together or not at all; nothing else is touched: trust files, verifications and the
// wallet's requests go to the network as they are.

const cacheName = "elicence-" + version;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(cacheName).then((cache) => cache.addAll(files.map((path) => new Request(path, { cache: "no-cache" })))));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("elicence-") && name !== cacheName) await caches.delete(name);
    }
    await self.clients.claim();
  })());
});

// A page asks for the change when nobody is using it.
self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin || !files.includes(pathname)) return;
  event.respondWith((async () => {
    const cache = await caches.open(cacheName);
    // The storage may have been cleared under us.
    return (await cache.match(pathname)) ?? fetch(event.request);
  })());
});
