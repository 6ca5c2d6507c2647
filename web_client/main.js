// The page: what its controls do, and what it says in every state of a call.

import { Call } from "./call.js";
import { Company } from "./company.js";
import { Failure, insecurePage, microphoneLost, unforeseen } from "./failures.js";
import { showFailure } from "./failure_panel.js";
import { LevelMeter } from "./level_meter.js";
import { LineChoice } from "./line_choice.js";
import { Measurements } from "./measurements.js";
import { Microphone } from "./microphone.js";
import { MicrophoneChoice } from "./microphone_choice.js";
import { MotionPlayer } from "./motion_player.js";
import { OwnPreview } from "./own_preview.js";
import { Overload } from "./overload.js";
import { Portraits } from "./portraits.js";
import { me } from "./protocol.js";
import { RoomInvitation } from "./room_invitation.js";
import { ServerApi } from "./server_api.js";
import { Stage } from "./stage.js";
import { WhipClient } from "./whip_client.js";

const element = (id) => document.getElementById(id);
const base = new URL(".", document.baseURI);
const token = () => element("token").value.trim();

const api = new ServerApi({ base, token });
const call = new Call(new WhipClient({ endpoint: new URL("whip", base), token }));
const microphone = new Microphone();
const stage = new Stage(element("picture"));
const player = new MotionPlayer({ picture: element("picture"), portraitUrl: () => stage.portraitUrl });
const lineChoice = new LineChoice({ select: element("line-choice"), rung: element("rung") });
const ownPreview = new OwnPreview(element("own-preview"));
const overload = new Overload();
const measurements = new Measurements(element("measurements"));
const portraits = new Portraits({ fieldset: element("portrait-choice"), target: document.body, api });
const company = new Company({ element: element("company"), whep: new WhipClient({ endpoint: new URL("whep", base), token }) });
const room = new RoomInvitation({ panel: element("room"), api });
const microphoneChoice = new MicrophoneChoice({ microphone, meter: new LevelMeter(element("meter")) });

const PRIMARY = { idle: "Start speaking", connecting: "Cancel", waiting: "Cancel", live: "Stop", reconnecting: "Stop" };
let loaded = false;
let starting = false;
let muted = false;
let wasLive = false;
let overloaded = false;
let lineWords = ""; // what there is to say of a motion stream

portraits.addEventListener("choose", ({ detail }) => stage.showPortrait(detail));
element("start-stop").addEventListener("click", () => (call.state === "idle" ? start() : call.stop()));
element("token-panel").addEventListener("submit", (event) => {
  event.preventDefault();
  if (call.state === "idle") start();
});
element("mute").addEventListener("click", () => setMuted(!muted));
element("hear").addEventListener("click", () => setAudible(element("hear").getAttribute("aria-pressed") !== "true"));
call.addEventListener("state", ({ detail }) => enter(detail));
call.addEventListener("stream", ({ detail }) => stage.play(detail));
call.addEventListener("message", ({ detail }) => hear(detail));
microphone.addEventListener("open", () => call.connection?.replaceTrack(microphone.track));
microphone.addEventListener("lost", () => call.state !== "idle" && tell(microphoneLost()));
microphone.addEventListener("devices", reopenMicrophone);
measurements.drawn = player;
lineChoice.addEventListener("change", askMode);
ownPreview.addEventListener("change", askMode);
player.addEventListener("say", ({ detail }) => {
  lineWords = detail;
  if (call.state === "live") say(WORDS.live({}));
});
microphoneChoice.addEventListener("failure", ({ detail }) => tell(detail));
room.addEventListener("failure", ({ detail }) => tell(detail));
room.addEventListener("change", enterRoom);
room.addEventListener("name", introduce);
window.addEventListener("pagehide", () => call.stop());

enterRoom();
load();

/** Ask the server for its limits and portraits; what fails is said, and asked for again at the next start. */
async function load() {
  try {
    const config = await api.config();
    portraits.limits = config.limits;
    element("token-panel").hidden = !config.token_required || room.id !== ""; // a room's link is as good
    room.asksForToken = config.token_required;
    await portraits.load();
    portraits.takesOwn = await room.check();
    loaded = true;
  } catch (error) {
    tell(error);
  }
  const secure = window.isSecureContext && Boolean(navigator.mediaDevices);
  if (!secure) tell(insecurePage());
  element("start-stop").disabled = !secure;
  return loaded;
}

async function start() {
  if (starting) return;
  starting = true;
  tell(null);
  say(microphone.isOpen ? "Connecting…" : "Asking for the microphone…");
  try {
    if (!loaded && !(await load())) return;
    await microphone.open();
    setMuted(false);
    call.run({ track: () => microphone.track, portrait: portraits, room: () => room.query });
  } catch (error) {
    tell(error);
  } finally {
    if (call.state === "idle") say("");
    starting = false;
  }
}

/** A call's new state: buttons, words, picture. */
function enter({ state, reason, waitMs, failure }) {
  document.body.dataset.state = state;
  element("start-stop").textContent = primary(state);
  const inCall = state !== "idle"; // the page is laid out for a call from the press on: nothing moves when it is connected
  room.setInCall(inCall);
  element("portrait-choice").disabled = inCall;
  element("portrait-choice").hidden = inCall;
  element("measurements").hidden = !inCall;
  microphoneChoice.setInCall(inCall);
  player.follow(state === "live" ? call.connection : null);
  if (state === "live") askMode();
  if (state === "live") measurements.follow(call.connection);
  else rest();
  if (state === "idle") microphone.close();
  say(WORDS[state]({ reason, waitMs, failure }));
  if (state === "live" && !wasLive) window.scrollTo({ top: 0 }); // the faces are there; one's name was typed below them
  wasLive = state === "live" || (wasLive && state === "reconnecting");
  if (state !== "connecting") tell(failure); // another try is no news yet
}

function primary(state) {
  if (!room.id) return PRIMARY[state];
  return { ...PRIMARY, idle: "Join the room", live: "Leave", reconnecting: "Leave" }[state];
}

/** From now on the page belongs to a room, or to none. */
function enterRoom() {
  portraits.room = room.id;
  element("start-stop").textContent = primary(call.state);
}

/** Tell the room one's name, and whether one is muted. */
function introduce() {
  if (room.id) call.connection?.send(me({ name: room.name, muted }));
}

const WORDS = {
  idle: ({ failure }) => (wasLive && !failure ? "The call has ended." : ""),
  connecting: () => "Connecting…",
  waiting: ({ waitMs }) => `Trying again in ${Math.round(waitMs / 1000)} s.`,
  live: () => {
    if (lineWords) return lineWords;
    if (muted) return "You are muted. The portrait rests.";
    if (overloaded) return "Live, but the server is too busy to draw.";
    if (room.id && !company.size) return "You are in the room, and the first. Send somebody its link.";
    return room.id ? "Live. They see your portrait speak." : "Live. The portrait speaks with you.";
  },
  reconnecting: ({ reason }) => `${reason} Connecting again…`,
};

/** Every connection of the page goes over the same line. */
function askMode() {
  call.connection?.askMode(ownPreview.paused ? "pause" : lineChoice.mode);
  company.askMode(lineChoice.mode);
}

/** A message of the server. */
function hear(message) {
  lineChoice.hear(message);
  ownPreview.hear(message, { asked: lineChoice.mode, lines: company.lines });
  if (message.type === "hello" || message.type === "stats") measurements.hear(message);
  if (message.type === "hello" && muted) introduce();
  if (message.type === "room") {
    company.follow(message);
    ownPreview.setCompany(company.size);
    if (call.state === "live") say(WORDS.live({}));
  }
  if (message.type !== "stats" || call.state !== "live") return;
  const before = overloaded;
  overloaded = overload.judge(message);
  if (overloaded !== before) say(WORDS.live({}));
}

function rest() {
  overload.forget();
  overloaded = false;
  stage.rest();
  company.leave();
  ownPreview.forget();
  measurements.stop();
}

function setMuted(now) {
  muted = now;
  microphone.setMuted(now);
  element("mute").setAttribute("aria-pressed", String(now));
  document.body.classList.toggle("is-muted", now);
  introduce();
  if (call.state === "live") say(WORDS.live({}));
}

function setAudible(now) {
  if (now && ownPreview.paused) ownPreview.show();
  stage.setAudible(now);
  element("hear").setAttribute("aria-pressed", String(now));
}

/** A microphone that was plugged in again takes over from silence. */
async function reopenMicrophone() {
  if (call.state === "idle" || microphone.isOpen) return;
  await microphone.open().then(() => tell(null)).catch(() => null);
}

/** Say the state where a screen reader hears it. */
function say(words) {
  element("status").textContent = words;
}

/** Show a failure, or nothing for null; an error that nobody foresaw goes to the console as well. */
function tell(error) {
  const failure = error === null || error instanceof Failure ? error : unforeseen(error);
  showFailure(element("failure"), failure);
  if (failure?.kind === "room_unknown") room.forget();
  if (failure?.kind === "token_required") askForToken();
}

/** A room's guests need none: where one is asked of them all the same, the room may have ended. */
async function askForToken() {
  const ended = await room.check().then(() => null, (error) => error);
  if (ended) return tell(ended);
  element("token-panel").hidden = false;
  return element("token").focus();
}
