// The tone for news. Browsers allow it only after the page was clicked or typed into once.

import { signal } from "../shared/kit.js";

const ALOUD_MS = 1_500;
const TONES = [[880, 0], [1175, 0.13]];
const WISH = "kf.sound";

export const sound = signal(wished() ? "locked" : "off");

let context = null;

export function switchSound() {
  sound.value = sound.value === "off" ? (context ? "on" : "locked") : "off";
  try {
    localStorage.setItem(WISH, sound.value === "off" ? "off" : "on");
  } catch {
    // Not kept: the choice lasts as long as the page.
  }
  if (sound.value !== "off") unlock();
}

// Called on the first click or key of the page.
export function unlock() {
  if (sound.value === "off" || !globalThis.AudioContext) return;
  context ??= new AudioContext();
  context.resume().then(() => sound.value !== "off" && (sound.value = "on"), () => {});
}

// One tab rings, however many there are: the first that gets the lock keeps it for a moment.
export function ring() {
  if (sound.value !== "on") return;
  if (!navigator.locks) return play();
  navigator.locks.request("kf.sound", { ifAvailable: true }, (lock) => {
    if (!lock) return undefined;
    play();
    return new Promise((done) => setTimeout(done, ALOUD_MS));
  });
}

function play() {
  dispatchEvent(new CustomEvent("kf:ring"));
  for (const [pitch, after] of TONES) tone(pitch, context.currentTime + after);
}

function tone(pitch, at) {
  const source = context.createOscillator();
  const volume = context.createGain();
  source.frequency.value = pitch;
  volume.gain.setValueAtTime(0.0001, at);
  volume.gain.exponentialRampToValueAtTime(0.18, at + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.28);
  source.connect(volume).connect(context.destination);
  source.start(at);
  source.stop(at + 0.3);
}

function wished() {
  try {
    return localStorage.getItem(WISH) !== "off";
  } catch {
    return true;
  }
}

// Not before the click: the hint goes then, and what lies below it would slip away from under the pointer.
for (const kind of ["click", "keydown"]) addEventListener(kind, () => sound.value === "locked" && unlock(), true);
