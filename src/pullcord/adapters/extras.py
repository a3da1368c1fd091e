"""What an adapter needs installed, told in words before Python says that a module is missing."""

from importlib.util import find_spec


def needs(module: str, *, extra: str) -> None:
    """Nothing when the framework is there.

    Raises:
        ModuleNotFoundError: it is not; says what to type. The module's own name is no guide: what
            is imported as `agents` is not what `pip install agents` brings.
    """
    if find_spec(module) is None:
        raise ModuleNotFoundError(
            f"this adapter needs a framework that is not installed here ({module}): "
            f"pip install 'pullcord[{extra}]'",
            name=module,
        )
