"""Properties that are computed when first read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

Value = TypeVar("Value")


class lazy_property(Generic[Value]):  # noqa: N801 - used as a decorator, like `property`.
    """A property that is computed at its first read and then stored in the object.

    As `functools.cached_property` in Python 3.12 and later, without a lock. Before 3.12 that has one lock for all
    objects of a class, so every thread waits for every other one. Two threads that read a new property at the same time
    may compute it twice: use it only where that does no harm.

    Example:
        >>> class Circle:
        ...     radius = 2
        ...
        ...     @lazy_property
        ...     def area(self) -> float:
        ...         return 3 * self.radius**2
        >>> Circle().area
        12
    """

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: object | None, owner: type) -> Value | Self:
        if instance is None:
            return self
        value = self._compute(instance)
        # Without a `__set__`, the object's own entry is found first from now on. Works for frozen dataclasses too.
        instance.__dict__[self._name] = value
        return value
