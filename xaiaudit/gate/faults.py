"""What is wrong with a policy, in words: the key at fault, what was got, why it is wrong, the nearest right word."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from xaiaudit.gate.key_lines import Key
from xaiaudit.gate.policy import AuditTable, FindingTable, GateTable, IntendedUse, Policy

TABLES: Mapping[str, type[BaseModel]] = {
    "[audit]": AuditTable,
    "[gate]": GateTable,
    "[intended_use]": IntendedUse,
    "[[finding]]": FindingTable,
}
_KINDS: Mapping[str, str] = {
    "list_type": 'a list, e.g. ["fgsm:epsilon=1/255"]',
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": 'a table, e.g. { device = "Logiq 5" }',
    "finite_number": "a finite number",
}


class Fault(Exception):
    """`key` tells the line, as far as there is one."""

    def __init__(self, key: Key, words: str) -> None:
        super().__init__(words)
        self.key, self.words = key, words


def nearest(word: str, known: Iterable[str]) -> str:
    """The one that was meant, or all there are."""
    known = list(known)
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"the nearest is {near[0]!r}" if near else f"there are {', '.join(known)}"


def shown(value: Any) -> str:
    """As an error prints a value: whole, unless it is long."""
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def first_fault(error: ValidationError, lines: Mapping[Key, int]) -> Fault:
    """The one to tell: an unknown key before all others, as one that was meant is then missing; else the first."""
    details = sorted(
        error.errors(include_url=False),
        key=lambda item: (item["type"] != "extra_forbidden", lines.get(tuple(item["loc"]), 0)),
    )
    return Fault(tuple(details[0]["loc"]), _words(details[0]))


def _words(error: ErrorDetails) -> str:
    *before, key = error["loc"]
    table, kind, value = _table(before), error["type"], error["input"]
    if isinstance(key, int):  # an element of a list
        key, table = before[-1], _table(before[:-1])
    if kind == "extra_forbidden":
        return f"unknown key {key!r} in {table}; {_hint(str(key), table, before)}"
    if kind == "missing":
        return _missing(str(key), table)
    name = (
        f"[{key}]" if table == "the policy" and key not in ("version", "finding") else f"{key!r} in {table}"
    )
    if (key, table, kind) == ("finding", "the policy", "list_type"):
        return "'finding' is a list of tables: begin each one with [[finding]], in two brackets"
    if kind in ("model_type", "model_attributes_type"):
        several = f"; write [{key}], in one bracket, and once" if isinstance(value, list) else ""
        return f"{name} must be a table, got {shown(value)}{several}"
    if kind == "too_short":
        return f"{name} must name at least one, got none"
    wanted, why = _wanted(error)
    return f"{name} must be {wanted}, got {shown(value)}{why}"


def _wanted(error: ErrorDetails) -> tuple[str, str]:
    """What a value must be, and what helps to mend it."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "literal_error":
        words = str(context["expected"])
        near = get_close_matches(str(error["input"]), re.findall("'([^']*)'", words), n=1, cutoff=0.5)
        return words, f"; the nearest is {near[0]!r}" if near else ""
    if kind in _KINDS:
        return _KINDS[kind], ""
    limits = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    known = [f"{limits[key]} {value:g}" for key, value in context.items() if key in limits]
    share = "; a share is written from 0 to 1, so that 5 % are 0.05" if context.get("le") == 1.0 else ""
    return (known[0] if known else error["msg"]), share if isinstance(context.get("le"), float) else ""


def _table(where: list[Any]) -> str:
    if not where:
        return "the policy"
    if where[0] != "finding":
        return f"[{where[0]}]"
    return "subgroup of [[finding]]" if len(where) > 2 else "[[finding]]" if len(where) == 2 else "the policy"


def _hint(key: str, table: str, where: list[Any]) -> str:
    """The nearest key of the same table, or the table that the key belongs to."""
    own = list(TABLES[table].model_fields if table in TABLES else Policy.model_fields)
    others = [name for name, model in TABLES.items() if key in model.model_fields]
    misspelt = get_close_matches(key, own, n=1, cutoff=0.8)
    return f"it belongs to {others[0]}" if others and not misspelt else nearest(key, own)


def _missing(key: str, table: str) -> str:
    if key == "finding":
        return "no [[finding]] says what must hold; xaiaudit init writes a policy to start from"
    if key == "audit":
        return "no [audit] says which attacks are made; xaiaudit init writes a policy to start from"
    return f"{table} lacks {key!r}"
