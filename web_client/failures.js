// Every failure of a call, in words that a person can act on.

const DEFAULT_RETRY_AFTER_S = 10;

/** What went wrong (`title`), what to do about it (`advice`), and what the page should do (`kind`). */
export class Failure extends Error {
  constructor({ kind, title, advice, retryAfterS = null }) {
    super(`${title} ${advice}`);
    Object.assign(this, { kind, title, advice, retryAfterS });
  }
}

/** The page has no right to a microphone at all, because it did not come over a secure connection. */
export function insecurePage({ host, port } = window.location) {
  return new Failure({
    kind: "insecure_page",
    title: "This page may not use a microphone.",
    advice:
      `Browsers allow it over https, or on the server's own machine. Start the server with --self-signed and open ` +
      `https://${host}, or sit at that machine and open http://localhost${port ? `:${port}` : ""}.`,
  });
}

const MICROPHONE_WORDS = {
  NotAllowedError: {
    kind: "microphone_refused",
    title: "The microphone was refused.",
    advice: "Allow it for this page: the icon beside the address opens the site's settings. Then start again.",
  },
  NotFoundError: {
    kind: "microphone_absent",
    title: "No microphone was found.",
    advice: "Plug one in or switch it on in the system's sound settings. Then start again.",
  },
  OverconstrainedError: {
    kind: "microphone_absent",
    title: "That microphone is no longer there.",
    advice: "Choose another one in the list. Then start again.",
  },
  NotReadableError: {
    kind: "microphone_busy",
    title: "The microphone cannot be opened.",
    advice: "Another program may hold it. Close that program or choose another microphone. Then start again.",
  },
};

/** From what `getUserMedia` rejected with (a DOMException). */
export function fromMicrophone(error) {
  const name = error.name === "SecurityError" ? "NotAllowedError" : error.name;
  const words = MICROPHONE_WORDS[name] ?? { ...MICROPHONE_WORDS.NotReadableError, advice: `${error.message}.` };
  return new Failure(words);
}

/** The microphone went away during a call. */
export function microphoneLost() {
  return new Failure({
    kind: "microphone_lost",
    title: "The microphone has gone.",
    advice: "The call goes on in silence. Plug the microphone in again or choose another one.",
  });
}

/** No answer came: the server is down, or the network is. */
export function serverUnreachable() {
  return new Failure({
    kind: "server_unreachable",
    title: "The server does not answer.",
    advice: "Check your network, and that the server is running. Then start again.",
  });
}

/** The server answered, but sound and picture find no way between it and this browser. */
export function noMediaPath() {
  return new Failure({
    kind: "no_media_path",
    title: "Sound and picture do not get through.",
    advice: "A firewall between here and the server may block UDP. Try another network, or start again.",
  });
}

/** The attempts to reconnect are used up. */
export function gaveUp() {
  return new Failure({
    kind: "gave_up",
    title: "The connection could not be made again.",
    advice: "Check your network, and that the server is running. Then start again.",
  });
}

/** From an HTTP answer that is an error: the server's own sentence where it sent one. */
export async function fromResponse(response) {
  const { reason = null, message = null } = await readError(response);
  if (response.status === 401 || response.status === 403) return tokenRequired();
  if (response.status === 503 || response.status === 429) return serverBusy(response, reason, message);
  if (response.status === 404 && reason?.includes("portrait")) return portraitForgotten();
  if (reason in ROOM_WORDS) return new Failure({ kind: reason, ...ROOM_WORDS[reason] });
  const title = response.status < 500 ? "The server refused the call." : "The server has a problem.";
  return new Failure({
    kind: reason ?? `status_${response.status}`,
    title,
    advice: message ?? `It answered with status ${response.status}. Start again, or ask whoever runs it.`,
  });
}

/** From the answer to an uploaded portrait: the server says why it cannot be used. */
export async function fromPortraitResponse(response) {
  if (![413, 415, 422].includes(response.status)) return fromResponse(response);
  const { reason, message } = await readError(response);
  return new Failure({
    kind: reason ?? "portrait_refused",
    title: "This photograph cannot be used.",
    advice: message ?? "Choose one that shows a single face from the front.",
  });
}

/** The chosen file is no picture that this browser can show. */
export function portraitUnreadable() {
  return new Failure({
    kind: "unreadable",
    title: "This file cannot be read as a picture.",
    advice: "Choose a JPEG, PNG or WebP photograph.",
  });
}

/** An error that nobody foresaw: a person can only try again, and whoever looks finds it in the console. */
export function unforeseen(error) {
  console.error(error);
  return new Failure({
    kind: "unforeseen",
    title: "Something went wrong in this page.",
    advice: `Reload it and start again (${error.name}: ${error.message}).`,
  });
}

/** What a goodbye of the server means, in a sentence. */
export function fromGoodbye(reason) {
  return GOODBYE_WORDS[reason] ?? "The server closed the call.";
}

const GOODBYE_WORDS = {
  shutdown: "The server is shutting down.",
  server_error: "The server met a problem.",
  peer_silent: "The server heard nothing from this page for a while.",
  call_ended: "They have left.",
};

function tokenRequired() {
  return new Failure({
    kind: "token_required",
    title: "The access token is missing or wrong.",
    advice: "Enter the one that you were given. Then start again.",
  });
}

const BUSY_WORDS = {
  server_full: {
    kind: "server_full",
    title: "Every place on this server is taken.",
    advice: "The call starts by itself as soon as there is room.",
  },
  starting: {
    kind: "server_starting",
    title: "The server is still starting.",
    advice: "The call starts by itself as soon as it is ready.",
  },
};

const ROOM_WORDS = {
  room_unknown: {
    title: "This room has ended.",
    advice: "A room ends ten minutes after the last one has left, or with its server. Open a new one and send its link.",
  },
  room_full: {
    title: "This room is full.",
    advice: "Everyone it holds is there. Wait until somebody leaves, or open another room.",
  },
  no_such_member: { title: "They have left.", advice: "" },
};

function serverBusy(response, reason, message) {
  const retryAfterS = Number(response.headers.get("Retry-After")) || DEFAULT_RETRY_AFTER_S;
  const other = { kind: "server_full", title: "The server cannot take the call now.", advice: message ?? "" };
  return new Failure({ ...(BUSY_WORDS[reason] ?? other), retryAfterS });
}

function portraitForgotten() {
  return new Failure({
    kind: "portrait_forgotten",
    title: "The server no longer has this portrait.",
    advice: "Choose it again.",
  });
}

async function readError(response) {
  try {
    return (await response.json()).error ?? {};
  } catch {
    return {};
  }
}
