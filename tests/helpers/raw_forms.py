"""Writers of raw skeleton files, one a form, for tests: each writes one made-up clip."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np

H, W = 480, 640
NOBODY = 3  # the frame that shows nobody
NUM_FRAMES = 7


def made_up(num_joints: int, seed: int = 0) -> np.ndarray:
    """(2, 7, V, 3) x, y, score: the second person is not seen in frame 1, nobody in frame 3."""
    rng = np.random.default_rng(seed)
    body = rng.uniform(20, 180, (1, 1, num_joints, 2))
    motion = rng.uniform(-4, 4, (2, NUM_FRAMES, 1, 2)).cumsum(axis=1)
    xy = body + motion + np.array([[0, 0], [320, 120]])[:, None, None]
    people = np.concatenate([xy, rng.uniform(0.5, 0.9, (2, NUM_FRAMES, num_joints, 1))], axis=-1)
    people = people.round(2).astype(np.float32)
    people[1, 1] = people[:, NOBODY] = 0
    return people


def seen(people: np.ndarray, frame: int) -> list[tuple[int, np.ndarray]]:
    """(who, (V, 3)) of those seen in a frame; their order changes from frame to frame."""
    there = [(m, person[frame]) for m, person in enumerate(people) if person[frame].any()]
    return there[::-1] if frame % 2 else there


def flat(joints: np.ndarray) -> list[float]:
    return joints.ravel().tolist()


def _write(path: Path, data: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return path


def openpose(folder: Path, people: np.ndarray) -> Path:
    """A folder 'clip' with a file a frame; 25 joints, then face and hands as far as there are."""
    num_joints = people.shape[2]
    body = 18 if num_joints == 18 else 25
    face = 70 if num_joints in (95, 137) else 0
    hands = num_joints > body + face
    for frame in range(NUM_FRAMES):
        found = []
        for _, joints in seen(people, frame):
            left, right = (joints[-42:-21], joints[-21:]) if hands else (joints[:0], joints[:0])
            parts = {'pose': joints[:body], 'face': joints[body : body + face]}
            parts |= {'hand_left': left, 'hand_right': right}
            found.append({f'{part}_keypoints_2d': flat(xyc) for part, xyc in parts.items()})
        name = f'video_{frame:012d}_keypoints.json'
        _write(folder / 'clip' / name, {'version': 1.3, 'people': found})
    return folder


def alphapose(folder: Path, people: np.ndarray, ids: bool = True) -> Path:
    entries = [
        {'image_id': f'{t}.jpg', 'keypoints': flat(xyc), 'score': 2.9, 'idx': 5 - m if ids else 0}
        for t in range(NUM_FRAMES)
        for m, xyc in seen(people, t)
    ]
    return _write(folder / 'clip' / 'alphapose-results.json', entries).rename(folder / 'clip.json')


def mmpose(folder: Path, people: np.ndarray, ids: bool = False) -> Path:
    frames = []
    for t in range(NUM_FRAMES):
        found = [
            {
                'keypoints': xyc[:, :2].tolist(),
                'keypoint_scores': xyc[:, 2].tolist(),
                'bbox': [[1, 2, 3, 4]],
            }
            | ({'track_id': m} if ids else {})
            for m, xyc in seen(people, t)
        ]
        frames.append({'frame_id': t + 1, 'instances': found})
    return _write(folder / 'clip.json', {'meta_info': {}, 'instance_info': frames})


def kinetics(folder: Path, people: np.ndarray) -> Path:
    frames = []
    for t in range(NUM_FRAMES):
        found = [
            {'pose': flat(xyc[:, :2] / [W, H]), 'score': xyc[:, 2].tolist()}
            for _, xyc in seen(people, t)
        ]
        frames.append({'frame_index': t + 1, 'skeleton': found})
    return _write(folder / 'clip.json', {'data': frames, 'label': 'waving', 'label_index': 0})


def ultralytics_txt(folder: Path, people: np.ndarray, ids: bool = False) -> Path:
    for t in range(NUM_FRAMES):
        lines = []
        for m, xyc in seen(people, t):
            cells = [0, 0.5, 0.5, 0.1, 0.2, *flat(xyc / [W, H, 1])] + [0.9, m + 1] * ids
            lines.append(' '.join(map(repr, map(float, cells))))
        if lines:
            path = folder / 'labels' / f'clip_{t + 1}.txt'
            path.parent.mkdir(exist_ok=True)
            path.write_text('\n'.join(lines))
    return folder


def ultralytics_json(folder: Path, people: np.ndarray) -> Path:
    keys = ('x', 'y', 'visible')
    frames = [
        [
            {'name': 'person', 'keypoints': {k: xyc[:, c].tolist() for c, k in enumerate(keys)}}
            for _, xyc in seen(people, t)
        ]
        for t in range(NUM_FRAMES)
    ]
    return _write(folder / 'clip.json', frames)


def ultralytics_npz(folder: Path, people: np.ndarray) -> Path:
    np.savez(folder / 'clip.npz', keypoints=people.transpose(1, 0, 2, 3))
    return folder / 'clip.npz'


def coco(folder: Path, people: np.ndarray, halpe: bool = False) -> Path:
    size = {'height': H, 'width': W}
    images = [{'id': 9 - t, 'file_name': f'clip/{t:06d}.jpg', **size} for t in range(NUM_FRAMES)]
    entries = {'keypoints': 17, 'foot_kpts': 6, 'face_kpts': 68, 'lefthand_kpts': 21}
    entries['righthand_kpts'] = 21
    annotations = []
    for t in range(NUM_FRAMES):
        for _, xyc in seen(people, t):
            parts = [xyc] if halpe else np.split(xyc, np.cumsum(list(entries.values()))[:-1])
            named = {key: flat(part) for key, part in zip(entries, parts) if len(part)}
            annotations.append({'image_id': 9 - t, 'iscrowd': 0, **named})
    return _write(folder / 'x.json', {'images': images, 'annotations': annotations})


def h2o(folder: Path, people: np.ndarray) -> Path:
    body, left, right = np.split(people[0], [25, 46], axis=1)
    data = {'file_name': 'clip', 'skeletons': body.tolist(), 'label': 0}
    data |= {'left_hand': left.tolist(), 'right_hand': right.tolist()}
    return _write(folder / 'anything.json', data)


def mediapipe_long(folder: Path, people: np.ndarray) -> Path:
    lines = ['frame,landmark,x,y,z,visibility']
    for t, joints in enumerate(people[0]):
        lines += [f'{t},{j},{x},{y},0.1,{c}' for j, (x, y, c) in enumerate(joints) if c]
    (folder / 'clip.csv').write_text('\n'.join(lines))
    return folder / 'clip.csv'


def mediapipe_wide(folder: Path, people: np.ndarray) -> Path:
    titles = [f'{axis}{j}' for j in range(people.shape[2]) for axis in 'xyv']
    lines = [','.join(titles)] + [','.join(map(str, flat(joints))) for joints in people[0]]
    (folder / 'clip.csv').write_text('\n'.join(lines))
    return folder / 'clip.csv'


def mediapipe_npz(folder: Path, people: np.ndarray) -> Path:
    np.savez(folder / 'clip.npz', landmarks=people[0, ..., :2], visibility=people[0, ..., 2])
    return folder / 'clip.npz'


def k400(folder: Path, people: np.ndarray) -> Path:
    frames, boxes = zip(
        *[(t, xyc) for t in range(NUM_FRAMES) for xyc in people[:1, t] if xyc.any()]
    )
    annotation = {'frame_dir': 'clip', 'label': 0, 'total_frames': NUM_FRAMES, 'img_shape': (H, W)}
    annotation |= {'keypoint': np.array(boxes), 'frame_inds': np.array(frames, np.int16)}
    with open(folder / 'a.pkl', 'wb') as f:
        pickle.dump({'split': {'train': ['clip']}, 'annotations': [annotation]}, f)
    return folder / 'a.pkl'


def smg(folder: Path, people: np.ndarray) -> Path:
    """Sample0036 with two frames before the clip, which is its only gesture."""
    rows = np.zeros((2 + NUM_FRAMES, 25, 11), np.float32)
    rows[2:, :, 7:9] = people[0, ..., :2]
    rows[2:, :, :3] = people[0]
    inside = folder / 'Sample0036'
    inside.mkdir()
    np.savetxt(inside / 'Sample0036_skeleton.csv', rows.reshape(len(rows), -1), '%.9g', ',')
    (inside / 'Sample0036_finelabels.csv').write_text(f'1,3,{2 + NUM_FRAMES}\n')
    return folder


# form and options, writer, joints, layout's name, people that the form can hold
Case = tuple[str, Callable[[Path, np.ndarray], Path], int, str, int]
CASES: dict[str, Case] = {
    'openpose25': ('openpose', openpose, 25, 'openpose25', 2),
    'openpose18': ('openpose', openpose, 18, 'openpose18', 2),
    'openpose67': ('openpose', openpose, 67, 'openpose137 (67 of 137 joints)', 2),
    'openpose137': ('openpose', openpose, 137, 'openpose137', 2),
    'alphapose17': ('alphapose', alphapose, 17, 'coco17', 2),
    'alphapose26': ('alphapose', alphapose, 26, 'halpe26', 2),
    'alphapose68': ('alphapose', alphapose, 68, 'halpe136 (68 of 136 joints)', 2),
    'alphapose136': ('alphapose', lambda f, p: alphapose(f, p, ids=False), 136, 'halpe136', 2),
    'mmpose17': ('mmpose', mmpose, 17, 'coco17', 2),
    'mmpose133': ('mmpose', lambda f, p: mmpose(f, p, True), 133, 'coco_wholebody133', 2),
    'kinetics': ('kinetics', kinetics, 18, 'openpose18', 2),
    'ultralytics txt': ('ultralytics', ultralytics_txt, 17, 'coco17', 2),
    'ultralytics ids': ('ultralytics', lambda f, p: ultralytics_txt(f, p, True), 17, 'coco17', 2),
    'ultralytics json': ('ultralytics', ultralytics_json, 17, 'coco17', 2),
    'ultralytics npz': ('ultralytics', ultralytics_npz, 17, 'coco17', 2),
    'coco_wholebody': ('coco_wholebody', coco, 133, 'coco_wholebody133', 2),
    'coco17': ('coco_wholebody', coco, 17, 'coco17', 2),
    'halpe136': ('halpe', lambda f, p: coco(f, p, True), 136, 'halpe136', 2),
    'halpe26': ('halpe', lambda f, p: coco(f, p, True), 26, 'halpe26', 2),
    'h2o': ('h2o', h2o, 67, 'openpose137 (67 of 137 joints)', 1),
    'mediapipe long': ('mediapipe', mediapipe_long, 33, 'mediapipe33', 1),
    'mediapipe wide': ('mediapipe', mediapipe_wide, 75, 'mediapipe_holistic75', 1),
    'mediapipe npz': ('mediapipe', mediapipe_npz, 33, 'mediapipe33', 1),
    'k400': ('k400', k400, 17, 'coco17', 1),
    'smg': ('smg', smg, 25, 'ntu25', 1),
}
