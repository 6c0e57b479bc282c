// One sound for each colour, so that a verdict is heard in a noisy hall: two rising
// notes to accept, one even note to look again, three low ones to refuse.

const tunes = {
  green: [[880, 0, 0.09], [1320, 0.11, 0.14]],
  amber: [[660, 0, 0.3]],
  red: [[220, 0, 0.16], [220, 0.22, 0.16], [220, 0.44, 0.22]],
};
const buzzes = { green: [60], amber: [160], red: [120, 80, 120, 80, 200] };

let context = null;

export function play(colour) {
  navigator.vibrate?.(buzzes[colour]);
  try {
    context ??= new AudioContext();
    context.resume();
    for (const [frequency, at, length] of tunes[colour]) {
      const tone = context.createOscillator(), volume = context.createGain();
      const start = context.currentTime + at;
      tone.type = colour === "red" ? "square" : "sine";
      tone.frequency.value = frequency;
      // Without a ramp the loudspeaker clicks.
      volume.gain.setValueAtTime(0, start);
      volume.gain.linearRampToValueAtTime(0.25, start + 0.01);
      volume.gain.setValueAtTime(0.25, start + length - 0.02);
      volume.gain.linearRampToValueAtTime(0, start + length);
      tone.connect(volume).connect(context.destination);
      tone.start(start);
      tone.stop(start + length);
    }
  } catch {
    // A device without sound still shows the verdict.
  }
}
