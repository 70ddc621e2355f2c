"""Query parameters as typed values: read by the fields of a struct, without guessing.

>>> from serving.http.items import CountParams
>>> Params(CountParams).read(b"n=5&unknown=1")
CountParams(n=5)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec

from serving.http.problem import Problem, wrong_value
from serving.question import misfit

S = TypeVar("S", bound=msgspec.Struct)

MAX_FIELDS: Final = 2_000

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


class Params(Generic[S]):
    """Reads a query string into the struct `kind`, whose fields are str, int, float, bool or list[str].

    Unknown parameters are ignored. `read` raises `Problem` (422) for a value that does not fit and
    for a single-valued parameter given twice.
    """

    def __init__(self, kind: type[S]) -> None:
        self.kind = kind
        self._parsers: dict[str, Callable[[str, str], Any]] = {}
        self._many: set[str] = set()
        described = msgspec.inspect.type_info(kind)
        assert isinstance(described, msgspec.inspect.StructType)  # noqa: S101
        for field in described.fields:
            kind_of_field = _bare(field.type)
            if isinstance(kind_of_field, msgspec.inspect.ListType):
                self._many.add(field.encode_name)
            self._parsers[field.encode_name] = _parser(kind_of_field)

    def read(self, query_string: bytes) -> S:
        """The struct for a query string as it came."""
        values: dict[str, Any] = {}
        for name, text in _pairs(query_string):
            parse = self._parsers.get(name)
            if parse is None:
                continue
            if name in self._many:
                values.setdefault(name, []).append(text)
            elif name in values:
                raise wrong_value(name, "given twice, but it takes one value")
            else:
                values[name] = parse(name, text)
        try:
            return msgspec.convert(values, self.kind)
        except msgspec.ValidationError as error:
            raise misfit(error) from None


def _pairs(query_string: bytes) -> list[tuple[str, str]]:
    if not query_string:
        return []
    try:
        return parse_qsl(query_string.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError:
        raise wrong_value("query", "the parameters are not UTF-8") from None
    except ValueError:
        raise Problem("too-large", f"at most {MAX_FIELDS} parameters are accepted") from None


def _bare(kind: msgspec.inspect.Type) -> msgspec.inspect.Type:
    """The type under its description."""
    return _bare(kind.type) if isinstance(kind, msgspec.inspect.Metadata) else kind


def _parser(kind: msgspec.inspect.Type) -> Callable[[str, str], Any]:
    if isinstance(kind, msgspec.inspect.UnionType):
        given = next(_bare(member) for member in kind.types if not isinstance(member, msgspec.inspect.NoneType))
        return _optional_text if isinstance(given, msgspec.inspect.StrType) else _parser(given)
    if isinstance(kind, msgspec.inspect.IntType):
        return _integer
    if isinstance(kind, msgspec.inspect.FloatType):
        return _number
    if isinstance(kind, msgspec.inspect.BoolType):
        return _truth
    return _text


def _text(_: str, text: str) -> str:
    return text


def _optional_text(_: str, text: str) -> str | None:
    return text or None  # an empty form field asks for nothing


def _integer(name: str, text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise wrong_value(name, "a whole number is expected")
    return int(text)


def _number(name: str, text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise wrong_value(name, "a number is expected")
    return float(text)


def _truth(name: str, text: str) -> bool:
    try:
        return _TRUTH[text.lower()]
    except KeyError:
        raise wrong_value(name, "true or false is expected") from None
