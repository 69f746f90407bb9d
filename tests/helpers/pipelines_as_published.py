"""Steps and arguments of both published configs, independent of the included ones."""

LEFT, RIGHT = list(range(1, 20, 2)), list(range(2, 21, 2))
LIMBS = [
    [0, 1],
    [2, 1],
    [2, 3],
    [3, 4],
    [4, 5],
    [2, 6],
    [6, 7],
    [7, 8],
    [1, 9],
    [9, 11],
    [1, 10],
    [10, 11],
    [5, 12],
    [5, 13],
    [5, 14],
    [5, 15],
    [5, 16],
    [8, 17],
    [8, 18],
    [8, 19],
    [8, 20],
    [8, 21],
]


def stage(kind: str, **arguments) -> dict:
    return {'type': kind, **arguments}


def _ending(target: dict, tensors: list[str]) -> list[dict]:
    return [
        target,
        stage('FormatShape', input_format='NCTHW_Heatmap'),
        stage('Collect', keys=['imgs', 'label', 'emb'], meta_keys=[]),
        stage('ToTensor', keys=tensors),
    ]


def _train(target: dict) -> list[dict]:
    return [
        stage('UniformSampleFrames', clip_len=48),
        stage('PoseDecode'),
        stage('PoseCompact', hw_ratio=(1.0, 1.0), allow_imgpad=True),
        stage('Resize', scale=(-1, 64)),
        stage('RandomResizedCrop', area_range=(0.56, 1.0)),
        stage('Resize', scale=(56, 56), keep_ratio=False),
        stage('Flip', flip_ratio=0.5, left_kp=LEFT, right_kp=RIGHT),
        *_ending(target, ['imgs', 'label', 'emb']),
    ]


def _still(target: dict, num_clips: int) -> list[dict]:
    return [
        stage('UniformSampleFrames', clip_len=48, num_clips=num_clips),
        stage('PoseDecode'),
        stage('PoseCompact', hw_ratio=(1.0, 1.0), allow_imgpad=True),
        stage('Resize', scale=(64, 64), keep_ratio=False),
        *_ending(target, ['imgs', 'emb']),
    ]


JOINT = stage('GeneratePoseTarget', with_kp=True, with_limb=False)
LIMB = stage('GeneratePoseTarget', with_kp=False, with_limb=True, skeletons=LIMBS)
MIRRORED = {'double': True, 'left_kp': LEFT, 'right_kp': RIGHT}

# The limb config's mirrored copies exchange limbs by the joints' indices: a fault, and part of the
# published numbers.
PIPELINES_AS_PUBLISHED = {
    'joint': {
        'train': _train(JOINT),
        'val': _still(JOINT, 1),
        'test': _still(JOINT | MIRRORED, 10),
    },
    'limb': {
        'train': _train(LIMB),
        'val': _still(LIMB, 1),
        'test': _still(LIMB | MIRRORED | {'left_limb': LEFT, 'right_limb': RIGHT}, 10),
    },
}
