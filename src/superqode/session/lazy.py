"""Names (PEP 562) and modules that load when they are first used, so that importing a package costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_modules", "lazy_names"]


def lazy_names(
    namespace: dict[str, Any], homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Give a package its `__getattr__` and `__dir__`.

    Args:
        namespace: the package's `globals()`.
        homes: the module that each name lives in.
    """

    def get(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
        value = getattr(import_module(home), name)
        namespace[name] = value
        return value

    def names() -> list[str]:
        return [*namespace, *homes]

    return get, names


class _Module:
    """Stands for a module, and asks the real one for each name, which imports it with the first."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


def lazy_modules(package: str, *names: str) -> Iterator[Any]:
    """Give modules of a package, none of which is imported before something in it is used.

    For what stands between a question and many ways to answer it, as a facade does: a process asks one. Each use of a
    name costs about a microsecond more, so no loop goes through it.

    Args:
        package: the package's full name.
        names: the modules in it; `TYPE_CHECKING` imports the same ones, for types and for the scan of imports.
    """
    return (_Module(f"{package}.{name}") for name in names)
