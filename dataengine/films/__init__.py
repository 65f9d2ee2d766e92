"""Films in a stream: parts that labelling a film and running a model on it share.

- `detectors.py`: who is where in a frame: BlazePose, or boxes from a file, which `box_files.py` reads.
- `transformers_detector.py`: RT-DETR and D-FINE, opened by path or hub id.
- `matching.py`: who is who in two frames.
- `coco_lines.py`: people written as they come, and COCO JSON made of them at the end.
- `drawing.py`: people with their track ids drawn into a frame; `film_writer.py`: frames to a film that browsers play.

Adding a detector: a class with the methods of `detectors.FilmDetector`.
"""
