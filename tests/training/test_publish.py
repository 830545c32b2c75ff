from pathlib import Path

import numpy as np
import pytest
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from streetclip.training.logger import CsvLogger
from streetclip.training.publish import show_map, tensorboards


@pytest.mark.parametrize("is_there", [True, False])
def test_the_map_of_a_result_folder_goes_to_tensorboard(tmp_path: Path, is_there: bool) -> None:
    if is_there:
        pixels = np.full((6, 10, 3), 200, dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "map.png")
    boards = tensorboards([CsvLogger(tmp_path), TensorBoardLogger(tmp_path, "tb", "")])
    assert len(boards) == 1
    show_map(boards, tmp_path, "val", step=7)
    boards[0].finalize("success")
    events = EventAccumulator(str(tmp_path / "tb"))
    events.Reload()
    assert events.Tags()["images"] == (["map/val"] if is_there else [])
    if is_there:
        (image,) = events.Images("map/val")
        assert (image.step, image.width, image.height) == (7, 10, 6)
