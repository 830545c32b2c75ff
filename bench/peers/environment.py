"""The peer's environment: open_clip 3.3.0's own trainer and loader, which need another webdataset.

With webdataset 1.0, which this project uses, they die with `KeyError: 'fname'`. The older release
is installed into a folder of its own that stands first on the path of the peer's process; all else
is shared, so that both sides run on the same torch, Pillow and torchvision.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WEBDATASET = "0.2.86"
FOLDER_VARIABLE = "STREETCLIP_BENCH_PEER"


def peer_folder() -> Path:
    """The folder with the peer's webdataset, installed if it is not there.

    The environment variable `STREETCLIP_BENCH_PEER` names an installation that was made elsewhere.

    Raises:
        SystemExit: It cannot be installed, so that nothing can be compared.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    folder = Path(named) if named else ROOT / "build" / "peer" / f"webdataset-{WEBDATASET}"
    if not (folder / "webdataset" / "__init__.py").is_file():
        _install(folder)
    return folder


def _install(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--target", str(folder), f"webdataset=={WEBDATASET}"]
    print(f"installing the peer's webdataset {WEBDATASET} into {folder}, once", flush=True)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(
            f"NOT MEASURED: webdataset {WEBDATASET}, which open_clip's loader needs, cannot be "
            f"installed: {done.stderr.strip().splitlines()[-1:]}; install it where there is a "
            f"network (pip install --no-deps --target FOLDER webdataset=={WEBDATASET}), and set "
            f"{FOLDER_VARIABLE}=FOLDER"
        )
