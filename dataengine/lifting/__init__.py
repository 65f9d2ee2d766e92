"""From a person's joints along a film to its joints in space: a dilated temporal convolution network.

After Pavllo et al., "3D human pose estimation in video with temporal convolutions and semi-supervised training", CVPR
2019 (VideoPose3D).

- `params.py`: section `fit-lifter` of params.yaml.
- `body.py`: the root, the bones, and turning left into right.
- `rays.py`: pixels to rays, and rays to what the network sees.
- `network.py`: the two trunks, strided for fits and dilated for whole tracks.
- `motions.py`: people who move in space, as a file.
- `observed.py`: tracks of a 2D estimator, and its measured errors.
- `drawing.py`: windows of motions before virtual cameras, with such errors.
- `losses.py`, `fitting.py`: the fit, with and without labels.
- `checkpoint.py`, `lifted.py`: the network on disk, and what it makes of a track.
- `film_cameras.py`, `people_tracks.py`: films' cameras, and the tracks of a COCO file.
- `shown.py`, `lift.py`: the command that lifts a file of tracks, and its pictures.

The commands that fit and compare lifters lie in `lifter_fits`, since they ask teachers.
"""
