"""Train CLIP to know where a street photograph was taken.

Letters in array shapes, everywhere: ``b`` batch, ``n`` photographs, ``d`` features, ``c``
countries, ``m`` cities (candidates), ``t`` tokens, ``p`` prompts.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"
__all__ = ["__version__", "load"]

if TYPE_CHECKING:
    from streetclip.build.model import load


def __getattr__(name: str) -> Any:
    """Import torch only when a model is asked for, so that the command line answers at once."""
    if name == "load":
        from streetclip.build.model import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
