import io
import json
import pickle
import re
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch
import webdataset as wds
from tests.badserver import BadServer
from tests.badthings.images import BAD_IMAGES
from tests.badthings.metadata import BAD_METADATA
from tests.badthings.shardset import PLACE, good_sample
from tests.badthings.tarbytes import GoodSample, plain
from tests.badthings.tars import BAD_TARS, BOMB_MARK, BadTar
from tests.data.conftest import photo, tokenize, write_tars

from streetclip.captions.template import Template
from streetclip.data.batch import Recipe
from streetclip.data.dataset import StepSampler
from streetclip.data.loader import make_loader
from streetclip.data.quarantine import Quarantine
from streetclip.data.resampled import ResampledDataset
from streetclip.errors import PlanError, ShardError
from streetclip.records import Preprocess
from streetclip.shards.cache import Cache
from streetclip.shards.opener import TarOpener


def resampled(
    source: Path | list[str], preprocess: Preprocess, template: Template, **changes: Any
) -> ResampledDataset:
    values: dict[str, Any] = {
        "recipe": Recipe(preprocess, template),
        "tokenize": tokenize,
        "batch_size": 8,
        "samples_per_epoch": 50,
        "shuffle_samples": 30,
        "seed": 1,
    }
    urls = sorted(map(str, source.glob("*.tar"))) if isinstance(source, Path) else source
    return ResampledDataset(urls, **(values | changes))


def keys(dataset: ResampledDataset, epoch: int, steps: int = 6) -> list[str]:
    return [key for step in range(steps) for key in dataset[epoch, step]["keys"]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("resampled")
    write_tars(path, [12, 9, 15, 14])
    return path


def test_an_epoch_has_the_stated_number_of_samples(
    folder: Path, preprocess: Preprocess, template: Template
) -> None:
    dataset = resampled(folder, preprocess, template)
    assert len(dataset) == 50 // 8 == 6
    batch = dataset[0, 0]
    assert batch["image"].shape == (8, 3, 16, 16)
    assert torch.equal(batch["tokens"], tokenize(batch["captions"]))
    assert (batch["epoch"], batch["step"], batch["bad"]) == (0, 0, [])
    assert set(keys(dataset, 0)) <= {f"{number:04d}" for number in range(50)}


def test_the_same_key_opens_the_same_stream_and_another_one_another(
    folder: Path, preprocess: Preprocess, template: Template
) -> None:
    dataset = resampled(folder, preprocess, template)
    first = keys(dataset, 0)
    assert keys(resampled(folder, preprocess, template), 0) == first
    assert keys(dataset, 1) != first
    assert keys(resampled(folder, preprocess, template, seed=2), 0) != first
    ranks = [
        keys(resampled(folder, preprocess, template, rank=rank, world=2), 0) for rank in range(2)
    ]
    assert len(ranks[0]) == len(ranks[1]) == 24
    assert ranks[0] != ranks[1]


def test_workers_read_different_streams_and_a_second_epoch_differs(
    folder: Path, preprocess: Preprocess, template: Template
) -> None:
    dataset = resampled(folder, preprocess, template)
    sampler = StepSampler(len(dataset))
    loader = make_loader(dataset, sampler, workers=2, start_method="fork")
    epochs = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        epochs.append(list(loader))
    assert [batch["step"] for batch in epochs[1]] == list(range(6))
    assert {batch["epoch"] for batch in epochs[1]} == {1}
    by_worker = [[k for batch in epochs[0][w::2] for k in batch["keys"]] for w in range(2)]
    assert by_worker[0] != by_worker[1]
    assert [b["keys"] for b in epochs[0]] != [b["keys"] for b in epochs[1]]


def test_a_resumed_epoch_goes_on_with_other_samples(
    folder: Path, preprocess: Preprocess, template: Template
) -> None:
    dataset, later = (resampled(folder, preprocess, template) for _ in range(2))
    beginning = dataset[0, 0]["keys"]
    assert later[0, 3]["keys"] != beginning


def test_an_open_stream_is_not_sent_to_a_worker(
    folder: Path, preprocess: Preprocess, template: Template
) -> None:
    dataset = resampled(folder, preprocess, template)
    first = dataset[0, 0]["keys"]
    assert pickle.loads(pickle.dumps(dataset))[0, 0]["keys"] == first


def test_bad_samples_are_passed_over_and_reported(
    tmp_path: Path, preprocess: Preprocess, template: Template
) -> None:
    path = write_tars(tmp_path, [12], broken=[2], nowhere=[5])[0]
    with wds.TarWriter(str(tmp_path / "000001.tar")) as tar:
        tar.write({"__key__": "nojson", "jpg": photo(1)})
        tar.write({"__key__": "noimage", "json": b"{}"})
    dataset = resampled(tmp_path, preprocess, template)
    bad = [item for step in range(6) for item in dataset[0, step]["bad"]]
    assert {(item.key, item.reason) for item in bad} == {
        ("0002", "unreadable_image"),
        ("0005", "missing_country"),
        ("nojson", "no_metadata"),
        ("noimage", "no_image"),
    }
    assert {item.shard for item in bad if item.key == "0002"} == {str(path)}
    assert all(item.epoch == 0 and 0 <= item.step < 6 for item in bad)


def test_lists_of_bad_samples_show_no_secret_of_a_url(
    tmp_path: Path,
    preprocess: Preprocess,
    template: Template,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "tars").mkdir()
    write_tars(tmp_path / "tars", [12], broken=[2])
    list_file = tmp_path / "quarantine.jsonl"
    with BadServer(tmp_path / "tars") as server:
        host = server.url.partition("//")[2]
        urls = [f"http://me:PASSWORD@{host}/000000.tar?token=SECRET"]
        open_tar = TarOpener(Cache(tmp_path / "cache"))
        dataset = resampled(urls, preprocess, template, open_tar=open_tar)
        bad = [item for step in range(6) for item in dataset[0, step]["bad"]]
        quarantine = Quarantine(list_file, max_bad_samples=0)
        with pytest.raises(ShardError, match="too many photographs are bad") as caught:
            quarantine.record(bad)
    assert {item.shard for item in bad} == {f"{server.url}/000000.tar?..."}
    told = caplog.text + list_file.read_text() + str(caught.value)
    assert f"{server.url}/000000.tar?..." in told
    assert not re.search("PASSWORD|SECRET", told)
    again = resampled(urls, preprocess, template, open_tar=_cut)
    with pytest.raises(ShardError, match=r"000000\.tar\?\.\.\..*cut short") as caught:
        again[0, 0]
    assert not re.search("PASSWORD|SECRET", str(caught.value))


def _cut(_: str) -> BinaryIO:
    return io.BytesIO(plain([good_sample(0)])[:700])


def test_shards_with_only_bad_samples_end_in_an_error(
    tmp_path: Path, preprocess: Preprocess, template: Template
) -> None:
    write_tars(tmp_path, [10], broken=range(10))
    with pytest.raises(ShardError, match="no usable sample; got: 1000 bad samples in a row"):
        _ = resampled(tmp_path, preprocess, template)[0, 0]


def test_shards_of_osv5m_form_train_as_they_are(
    tmp_path: Path, preprocess: Preprocess, template: Template
) -> None:
    with wds.TarWriter(str(tmp_path / "osv.tar")) as tar:
        for number in range(10):
            place = {
                "latitude": 48.0,
                "longitude": 2.0,
                "unique_country": "FR",
                "unique_region": "NaN",
                "unique_sub-region": "NaN",
                "unique_city": "Brest_NaN_NaN_FR" if number % 2 else "NaN",
            }
            tar.write({"__key__": str(number), "jpg": photo(number), "json": json.dumps(place)})
    dataset = resampled(tmp_path, preprocess, template)
    captions = {text for step in range(6) for text in dataset[0, step]["captions"]}
    assert captions == {
        "A Street View photo in France.",
        "A Street View photo close to the town of Brest in France.",
    }


@pytest.mark.parametrize("bad", BAD_TARS, ids=lambda bad: bad.name)
def test_a_bad_tar_is_refused_or_its_bad_samples_are_listed_and_no_code_in_it_is_run(
    bad: BadTar,
    tmp_path: Path,
    preprocess: Preprocess,
    template: Template,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    samples = [good_sample(number) for number in range(4)]
    (tmp_path / "0.tar").write_bytes(bad.make(samples))
    (tmp_path / "1.tar").write_bytes(plain([good_sample(9)]))
    dataset = resampled(tmp_path, preprocess, template)
    if bad.error is not None:
        with pytest.raises(ShardError, match=rf"0\.tar.*({bad.error})"):
            keys(dataset, 0)
    else:
        batches = [dataset[0, step] for step in range(6)]
        seen = {key for batch in batches for key in batch["keys"]}
        assert seen == {"0009", *(bad.new_keys.get(n, samples[n].key) for n in bad.kept)}
        listed = {item.key: item.reason for batch in batches for item in batch["bad"]}
        assert listed == bad.rejected
    assert not (tmp_path / BOMB_MARK).exists()


def test_bad_photographs_and_metadata_are_listed(
    tmp_path: Path, preprocess: Preprocess, template: Template
) -> None:
    image = good_sample(0).image
    samples = [GoodSample(bad.name, bad.raw, PLACE) for bad in BAD_IMAGES]
    samples += [GoodSample(f"json-{bad.name}", image, bad.raw) for bad in BAD_METADATA]
    reasons = {bad.name: bad.training_reason for bad in BAD_IMAGES}
    # What even the tar shows has another code than what the decoder or parser would say.
    reasons |= {"zero-bytes": "bad_image_size"}
    reasons |= {f"json-{bad.name}": bad.reason for bad in BAD_METADATA}
    (tmp_path / "0.tar").write_bytes(plain(samples))
    dataset = resampled(tmp_path, preprocess, template, shuffle_samples=1)
    batches = [dataset[0, step] for step in range(6)]
    bad = {item.key: item.reason for batch in batches for item in batch["bad"]}
    assert bad == {key: reason for key, reason in reasons.items() if reason is not None}
    assert all(reasons[key] is None for batch in batches for key in batch["keys"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"world": 3}, "batch_size 8 cannot be shared by 3 ranks"),
        ({"samples_per_epoch": 7}, "smaller than one batch; got: 7; allowed: 8 or more"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(
    changes: dict[str, Any], message: str, folder: Path, preprocess: Preprocess, template: Template
) -> None:
    with pytest.raises(PlanError, match=message):
        resampled(folder, preprocess, template, **changes)


def test_a_missing_shard_is_named(preprocess: Preprocess, template: Template) -> None:
    dataset = ResampledDataset(
        ["/nowhere/0.tar"],
        recipe=Recipe(preprocess, template),
        tokenize=tokenize,
        batch_size=2,
        samples_per_epoch=2,
    )
    with pytest.raises(ShardError, match=r"/nowhere/0\.tar"):
        _ = dataset[0, 0]
