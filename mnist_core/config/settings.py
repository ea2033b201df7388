"""What makes the table of settings: a `Setting` holds all that is known of one, and everybody reads it from there.

The table itself is the fields of `RunConfig` and `LayerConfig`, in `mnist_core.config`.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mnist_core.errors import ConfigError
from mnist_core.language import Message, format_number, gettext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


class Labelled(Protocol):
    """A choice that has more than a label."""

    @property
    def label(self) -> str:
        """Its name on the screen."""


@dataclass(frozen=True)
class Range:
    """The closed range of a number.

    Raises:
        ConfigError: from `check`, for a value that is not a number of the right type, or outside the range; from
            `read`, for text that is not a number of the right type.
    """

    low: float
    high: float
    whole: bool = False

    def check(self, field: str, value: object) -> None:
        """Refuse a `value` that does not belong to the setting `field`."""
        right_type = isinstance(value, int if self.whole else (int, float))
        if isinstance(value, bool) or not right_type:
            raise ConfigError(
                field,
                Message("must be {kind}.", kind=self._kind),
                Message("Choose one from {range}.", range=self.text),
                value,
            )
        if not self.low <= value <= self.high:  # type: ignore[operator]  # NaN is outside, too.
            raise ConfigError(field, "is out of range.", Message("Choose {range}.", range=self.text), value)

    def read(self, field: str, text: str) -> float:
        """The number that a text such as ``0.001`` or ``1e-3`` stands for; an int for a whole range. Not checked."""
        # Python itself accepts more: 1_000, digits of other alphabets, inf.
        form = r"-?[0-9]{1,20}" if self.whole else r"-?([0-9]+\.?|[0-9]*\.[0-9]+)([eE]-?[0-9]{1,3})?"
        if not re.fullmatch(form, text):
            raise ConfigError(
                field, Message("is not {kind}.", kind=self._kind), "Write it with digits, such as 10.", text
            )
        return int(text) if self.whole else float(text)

    @property
    def text(self) -> str:
        """The range for the screen."""
        if self.whole:
            return Message("{low:,d} to {high:,d}", low=self.low, high=self.high)
        return Message("{low:,g} to {high:,g}", low=self.low, high=self.high)

    @property
    def _kind(self) -> str:
        return Message("a whole number") if self.whole else Message("a number")


def check_choice(field: str, value: object, choices: Iterable[str]) -> None:
    """Refuse a `value` that is not among `choices` with a `ConfigError` that lists them."""
    if not isinstance(value, str) or value not in choices:
        raise ConfigError(
            field, "is not a known choice.", Message("Choose one of {choices}.", choices=", ".join(choices)), value
        )


def to_text(value: object) -> str:
    """A value as short text for a link. A number is read back to the last bit."""
    # Python writes the shortest text that gives the same float again.
    return str(value).removesuffix(".0")


def number_in_words(value: float) -> str:
    """A number for people, short if that is exact."""
    return format_number(value, "g") if float(f"{value:g}") == value else str(value)


def percent_in_words(value: float) -> str:
    """A share as a percentage, if a short one is exact."""
    short = f"{100 * value:g}"
    decimals = len(short.partition(".")[2])
    is_exact = float(short) / 100 == value and "e" not in short
    return format_number(value, f".{decimals}%") if is_exact else str(value)


@dataclass(frozen=True, eq=False, kw_only=True)
class Setting:
    """All that is known of one setting of a run or of a layer.

    Args:
        label: its name on the screen.
        default: its value if none is given.
        help: what it does, for the screen.
        name: its field's name.
        choices: each possible value with its label; None if it is not a choice.
        limits: the range of a number; None if it is not a number.
        pattern: what a name must match, as a regular expression; None if it is not a name.
        off: what 0 or nothing means, in words; empty where it means nothing special.
        words: any other value in words; different values read differently. A choice reads as its label.
        section: the section of the editor that shows it.
        is_half: whether its control takes half of the width, and the next half one is beside it.
        is_slider: whether its control is a slider.
        step: the step of its control.
        usual: numbers that its control offers; others can be typed.
        needs: the name of an earlier setting without which this one does nothing.
        keras: the argument of Keras that takes its value as it is.
    """

    label: str
    default: Any
    help: str
    name: str = ""
    choices: Mapping[str, str] | None = None
    limits: Range | None = None
    pattern: str | None = None
    off: str = ""
    words: Callable[[Any], str] = number_in_words
    section: str = ""
    is_half: bool = False
    is_slider: bool = False
    step: float = 1
    usual: Sequence[float] = ()
    needs: str = ""
    keras: str = ""

    def check(self, value: object, field: str = "") -> None:
        """Refuse a value that this setting cannot have.

        Args:
            value: the value.
            field: the name for the error, such as ``"layers[1].units"``; the setting's own if empty.

        Raises:
            ConfigError: naming the field.
        """
        field = field or self.name
        if self.choices is not None:
            check_choice(field, value, self.choices)
        if self.limits is not None:
            self.limits.check(field, value)
        if self.pattern is not None and not (isinstance(value, str) and re.fullmatch(self.pattern, value)):
            what = Message("is not the name of a {label}.", label=self.label.lower())
            raise ConfigError(field, what, Message('Give one such as "{default}".', default=self.default), value)

    def from_text(self, text: str, field: str = "") -> Any:
        """The value that `to_text` wrote; it may still be out of range, see `check`.

        Raises:
            ConfigError: naming the field, for text that is not a number where one is needed.
        """
        return text if self.limits is None else self.limits.read(field or self.name, text)

    def in_words(self, value: Any) -> str:
        """The value as reports and comparisons write it; different values read differently."""
        if self.off and not value:
            return gettext(self.off)
        return self.words(value) if self.choices is None else gettext(self.choices[value])


def setting(label: str, *, choices: Mapping[str, str | Labelled] | None = None, **details: Any) -> Any:
    """A field of a frozen dataclass that is a setting.

    Args:
        label: its name on the screen.
        choices: each possible value with its label, or with an object that has one.
        details: the other arguments of `Setting`.
    """
    labels = {value: one if isinstance(one, str) else one.label for value, one in choices.items()} if choices else None
    one = Setting(label=label, choices=labels, **details)
    return dataclasses.field(default=one.default, metadata={"setting": one})


def table(kind: type) -> dict[str, Setting]:
    """The settings that the fields of a dataclass are, by name and in order."""
    fields = dataclasses.fields(kind)
    return {field.name: dataclasses.replace(field.metadata["setting"], name=field.name) for field in fields}
