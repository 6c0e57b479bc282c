// The key of a wallet: P-256 in WebCrypto, not extractable. The page can have it sign and
// nobody can read it.

const algorithm = { name: "ECDSA", namedCurve: "P-256" };

export const newKey = () => crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);

// The compressed point, 33 bytes: the sign of y, then x.
export async function pointOf(key) {
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", key.publicKey));
  const point = raw.slice(0, 33);
  point[0] = 2 + (raw[64] & 1);
  return point;
}

// A raw signature, r and s; s may be either of its two values.
export async function sign(key, message) {
  return new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.privateKey, message));
}

export const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
export const fromBase64 = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
