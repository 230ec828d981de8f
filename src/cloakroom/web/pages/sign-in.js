// The sign-in page: makes the key of the session, has it tied to a passkey or an OpenID sign-in, and shows who is
// signed in. The private half is not extractable and stays in this browser. The bytes are in docs/spec/sign-in.md.

const text = new TextEncoder();
const byId = (id) => document.getElementById(id);
const PATH = "/sign-in";

// ---------------------------------------------------------------- bytes

const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const base64url = (bytes) => base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const fromBase64url = (coded) =>
  Uint8Array.from(atob(coded.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
const sha256 = (bytes) => crypto.subtle.digest("SHA-256", bytes);

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// ---------------------------------------------------------------- what this browser keeps: one key, one ceremony

function database() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("cloakroom-sign-in", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function kept(mode, act) {
  const opened = await database();
  try {
    return await new Promise((resolve, reject) => {
      const done = act(opened.transaction("kept", mode).objectStore("kept"));
      done.onsuccess = () => resolve(done.result);
      done.onerror = () => reject(done.error);
    });
  } finally {
    opened.close();
  }
}

const load = () => kept("readonly", (store) => store.get("session"));
const save = (session) => kept("readwrite", (store) => store.put(session, "session"));
const forget = () => kept("readwrite", (store) => store.delete("session"));

async function newKey() {
  const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { private: pair.privateKey, raw };
}

// ---------------------------------------------------------------- signed requests (RFC 9421)

async function ask(key, keyId, method, path, order) {
  const body = order === undefined ? undefined : text.encode(JSON.stringify(order));
  const created = Math.floor(Date.now() / 1000);
  const digest = body && `sha-256=:${base64(await sha256(body))}:`;
  const names = ["@method", "@authority", "@path", "@query", ...(body ? ["content-digest"] : [])];
  const nonce = base64url(crypto.getRandomValues(new Uint8Array(16)));
  const parameters =
    `(${names.map((name) => `"${name}"`).join(" ")});created=${created};expires=${created + 30};` +
    `nonce="${nonce}";keyid="${keyId}";alg="ed25519"`;
  const base =
    `"@method": ${method}\n"@authority": ${location.host}\n"@path": ${path}\n"@query": ?\n` +
    (body ? `"content-digest": ${digest}\n` : "") +
    `"@signature-params": ${parameters}`;
  const value = base64(await crypto.subtle.sign("Ed25519", key.private, text.encode(base)));
  const headers = { "signature-input": `cloakroom=${parameters}`, signature: `cloakroom=:${value}:` };
  if (body) Object.assign(headers, { "content-digest": digest, "content-type": "application/json" });
  const answer = await fetch(path, { method, headers, body, cache: "no-store", credentials: "omit" });
  const document = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(document.title), { code: document.code });
  return document;
}

const asNewcomer = (key, method, path, order) => ask(key, `new:${hex(key.raw)}`, method, path, order);

async function challengeOf(ceremony, nonce, key) {
  return sha256(joined(text.encode(`cloakroom/sign-in/${ceremony}/v1\0`), fromBase64url(nonce), key.raw));
}

// ---------------------------------------------------------------- the ways to sign in

async function signInWithPasskey() {
  const key = await newKey();
  const begun = await asNewcomer(key, "POST", "/v1/sign-in/passkey/begin", {});
  const found = await navigator.credentials.get({
    publicKey: {
      challenge: await challengeOf("passkey", begun.nonce, key),
      rpId: begun.rp_id,
      userVerification: "required",
      allowCredentials: [],
      timeout: 120_000,
    },
  });
  const session = await asNewcomer(key, "POST", "/v1/sign-in/passkey/finish", {
    ceremony: begun.ceremony,
    credential_id: base64url(found.rawId),
    client_data: base64url(found.response.clientDataJSON),
    authenticator_data: base64url(found.response.authenticatorData),
    signature: base64url(found.response.signature),
    user_handle: base64url(found.response.userHandle ?? new Uint8Array(1)),
  });
  await save({ key, session });
}

async function signInAt(provider) {
  const key = await newKey();
  const begun = await asNewcomer(key, "POST", "/v1/sign-in/openid/begin", { provider });
  await save({ key, ceremony: begun.ceremony });
  location.assign(begun.location);
}

async function comeBack(query) {
  const waiting = await load();
  // What this browser did not begin is somebody else's: it is neither used nor shown.
  if (!waiting?.ceremony || query.get("state") !== waiting.ceremony) return false;
  if (!query.get("code")) {
    await forget();
    throw new Error("The provider did not sign you in.");
  }
  const { key, ceremony } = waiting;
  await forget();
  const order = { ceremony, code: query.get("code") };
  if (query.get("iss")) order.issuer = query.get("iss");
  let found = await asNewcomer(key, "POST", "/v1/sign-in/openid/finish", order);
  for (let left = 60; found.is_waiting && left > 0; left -= 1) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    found = await asNewcomer(key, "POST", "/v1/sign-in/openid/collect", { ceremony });
  }
  if (!found.session) throw new Error("The provider took too long.");
  await save({ key, session: found.session });
  return true;
}

async function enrol(principal) {
  const known = await load();
  // Somebody who is signed in asks with the key of the session, and may then approve it alone.
  const key = known?.session ? known.key : await newKey();
  const begun = await asNewcomer(key, "POST", "/v1/passkeys/begin", { principal });
  const made = await navigator.credentials.create({
    publicKey: {
      challenge: await challengeOf("enrol", begun.nonce, key),
      rp: { id: begun.rp_id, name: "Cloakroom" },
      user: { id: fromBase64url(begun.user_handle), name: principal, displayName: principal },
      pubKeyCredParams: begun.algorithms.map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      attestation: "none",
      timeout: 120_000,
    },
  });
  return asNewcomer(key, "POST", "/v1/passkeys/finish", {
    ceremony: begun.ceremony,
    credential_id: base64url(made.rawId),
    client_data: base64url(made.response.clientDataJSON),
    attestation: base64url(made.response.attestationObject),
  });
}

// ---------------------------------------------------------------- what is seen

async function show(status = "") {
  let known = await load();
  if (known?.session) {
    try {
      known = { ...known, session: await ask(known.key, known.session.id, "GET", "/v1/session") };
    } catch (error) {
      if (error.code !== "expired" && error.code !== "not-found" && error.code !== "bad-signature") throw error;
      await forget();
      known = undefined;
      status = "The session has ended.";
    }
  }
  const session = known?.session;
  byId("signed-in").hidden = !session;
  byId("signed-out").hidden = Boolean(session);
  if (session) {
    byId("who").textContent = session.principal;
    byId("until").textContent = new Date(session.ends_at).toLocaleString();
    byId("with").textContent = session.signed_in_by.split(":")[0];
  } else {
    await offer();
  }
  byId("status").textContent = status;
}

async function offer() {
  const found = await asNewcomer(await newKey(), "GET", "/v1/sign-in");
  byId("with-passkey").hidden = byId("enrol").hidden = !found.rp_id;
  byId("not-configured").hidden = Boolean(found.rp_id) || found.providers.length > 0;
  byId("providers").replaceChildren(
    ...found.providers.map((provider) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `Sign in with ${provider.label}`;
      button.addEventListener("click", () => attempt(() => signInAt(provider.id)));
      return button;
    }),
  );
}

async function attempt(act, status = "") {
  const buttons = document.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  byId("status").textContent = "One moment…";
  try {
    await act();
    await show(status);
  } catch (error) {
    await show(error.message || "That did not work.").catch(() => {
      byId("status").textContent = "The service does not answer.";
    });
  } finally {
    for (const button of document.querySelectorAll("button")) button.disabled = false;
  }
}

byId("with-passkey").addEventListener("click", () => attempt(signInWithPasskey));
byId("sign-out").addEventListener("click", () =>
  attempt(async () => {
    const known = await load();
    await forget();
    await ask(known.key, known.session.id, "POST", "/v1/sessions/revoke", {});
  }, "Signed out."),
);
byId("enrol-form").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    const passkey = await enrol(byId("principal").value);
    byId("fingerprint").textContent = passkey.fingerprint;
    byId("passkey").textContent = passkey.id;
    byId("asked").hidden = false;
  }, "The passkey waits for approval.");
});

const query = new URLSearchParams(location.search);
if (location.search) history.replaceState(null, "", PATH);
attempt(async () => {
  if ((query.has("code") || query.has("error")) && !(await comeBack(query))) {
    throw new Error("This sign-in was not begun in this browser. If somebody sent you here, tell your security team.");
  }
});
