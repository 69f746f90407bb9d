// Clips, unpacked when they are first shown, and their drawing. packing.py documents the bytes.

const LEVELS = 7;
const FRAMES_A_SECOND = 25;
const clips = data.clips;
const offsets = clips.lengths.map(
  (
    (sum) => (length) =>
      (sum += length) - length
  )(0),
);
const unpacked = new Map();

const hasFrames = (i) => i !== null && clips.lengths[i] > 0;

// A promise of {people, frames, joints, box, xy, score}; xy: Float32Array in pixels,
// [axis][person][joint][frame]; score: [person][joint][frame].
function unpack(i) {
  if (!unpacked.has(i)) unpacked.set(i, decode(i));
  return unpacked.get(i);
}

async function decode(i) {
  const text = $('frames').firstChild.data.slice(offsets[i], offsets[i] + clips.lengths[i]);
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const raw = new Uint8Array(await new Response(stream).arrayBuffer());
  const [people, frames, joints] = clips.shapes[i];
  const n = 2 * people * joints * frames;
  const high = clips.bits > 8 ? raw.subarray(n, 2 * n) : null;
  const [x, y, extent] = clips.boxes[i];
  const size = 1 << clips.bits;
  const lines = unfold(raw.subarray(0, n), high, frames, size);
  const xy = Float32Array.from(
    lines,
    (line, at) => line * (extent / (size - 1)) + (at < n / 2 ? x : y),
  );
  return {
    people,
    frames,
    joints,
    xy,
    score: unfold(raw.subarray(raw.length - n / 2), null, frames, LEVELS + 1),
    box: [x, y, extent],
    picture: await pictureOf(i),
    pictures: clips.pictureFrames?.[i],
  };
}

// The frames of clip i's video side by side, or null; pictures.py documents them.
async function pictureOf(i) {
  if (!clips.pictures?.[i]) return null;
  const picture = new Image();
  picture.src = `data:image/jpeg;base64,${clips.pictures[i]}`;
  try {
    await picture.decode();
  } catch {
    return null;
  }
  return picture;
}

// Turn folded differences into values; every `frames` values a new row begins.
function unfold(low, high, frames, size) {
  const values = new Uint16Array(low.length);
  let value = 0;
  for (let at = 0; at < low.length; at++) {
    const folded = low[at] + (high ? high[at] << 8 : 0);
    const step = folded & 1 ? -((folded + 1) >> 1) : folded >> 1;
    value = ((at % frames ? value : 0) + step) & (size - 1);
    values[at] = value;
  }
  return values;
}

// Joint j of a person at time t in frames, interpolated: [x, y, score 0..1], or null if missing.
function jointAt(clip, person, j, t) {
  const row = (person * clip.joints + j) * clip.frames;
  const first = Math.min(Math.floor(t), clip.frames - 1);
  const next = Math.min(first + 1, clip.frames - 1);
  const [a, b] = [clip.score[row + first], clip.score[row + next]];
  if (!a) return null;
  const half = clip.xy.length / 2;
  const share = b ? t - first : 0;
  const mix = (from) => clip.xy[from + first] * (1 - share) + clip.xy[from + next] * share;
  return [mix(row), mix(half + row), a / LEVELS];
}

const sideColours = () => [colour('middle'), colour('left'), colour('right')];

// Draw a clip at time t in a square of `size` pixels. Joints of low score are faint.
function drawClip(context, size, clip, t) {
  const [x, y, extent] = clip.box;
  const margin = size * 0.07;
  if (clip.picture) {
    const edge = clip.picture.width / clip.pictures;
    const at = Math.round((t / Math.max(clip.frames - 1, 1)) * (clip.pictures - 1));
    context.globalAlpha = 0.85;
    context.drawImage(clip.picture, at * edge, 0, edge, edge, 0, 0, size, size);
    context.globalAlpha = 1;
  }
  const scale = (size - 2 * margin) / extent;
  const [width, height] = spread(clip);
  const place = ([px, py, score]) => [
    margin + (px - x) * scale + (size - 2 * margin - width * scale) / 2,
    margin + (py - y) * scale + (size - 2 * margin - height * scale) / 2,
    score,
  ];
  for (let person = 0; person < clip.people; person++) {
    const joints = Array.from({length: clip.joints}, (_, j) => jointAt(clip, person, j, t)).map(
      (joint) => joint && place(joint),
    );
    drawFigure(context, joints, size);
  }
}

// Width and height of a clip's joints in pixels.
function spread(clip) {
  if (!clip.spread) {
    const half = clip.xy.length / 2;
    clip.spread = [0, 1].map((axis) => {
      let most = 0;
      for (let at = 0; at < half; at++)
        if (clip.score[at]) most = Math.max(most, clip.xy[axis * half + at] - clip.box[axis]);
      return most;
    });
  }
  return clip.spread;
}

function drawFigure(context, joints, size) {
  const {bones, sides} = data.layout;
  const colours = sideColours();
  const thick = Math.max(1.2, size / 110);
  context.lineCap = 'round';
  for (const [child, parent] of bones) {
    if (!joints[child] || !joints[parent]) continue;
    context.globalAlpha = 0.2 + 0.8 * Math.min(joints[child][2], joints[parent][2]);
    context.strokeStyle = colours[sides[child] || sides[parent]];
    context.lineWidth = thick;
    context.beginPath();
    context.moveTo(joints[child][0], joints[child][1]);
    context.lineTo(joints[parent][0], joints[parent][1]);
    context.stroke();
  }
  joints.forEach((joint, j) => {
    if (!joint) return;
    context.globalAlpha = 0.25 + 0.75 * joint[2];
    context.fillStyle = colours[sides[j]];
    context.beginPath();
    context.arc(joint[0], joint[1], thick * 1.25, 0, 7);
    context.fill();
  });
  context.globalAlpha = 1;
}
