"""The type checker of the import hook: beartype with the numeric tower (int is a float)."""

from beartype import BeartypeConf, beartype

typechecked = beartype(conf=BeartypeConf(is_pep484_tower=True))
