"""What type checkers are told of `audit` is what it takes."""

from inspect import Parameter, signature
from typing import get_args, get_overloads, get_type_hints

from xaiaudit.auditing import audit
from xaiaudit.auditing.arguments import Arguments
from xaiaudit.records import AuditRecord


def test_the_two_signatures_are_that_of_the_function() -> None:
    own, types = signature(audit).parameters, get_type_hints(audit)
    by_name = {
        name: types[name]
        for name, parameter in own.items()
        if parameter.kind is Parameter.KEYWORD_ONLY and name != "shard"
    }
    assert get_type_hints(Arguments) == by_name
    whole, part = get_overloads(audit)
    for one in (whole, part):
        hints = get_type_hints(one)
        names = [name for name in own if name not in by_name]
        assert list(signature(one).parameters) == [*names, "arguments"]
        assert all(hints[name] == types[name] for name in names if name != "shard")
        assert get_args(hints["arguments"]) == (Arguments,)
    assert get_type_hints(whole)["return"] is AuditRecord
    assert get_type_hints(part)["return"] is type(None)
    assert get_type_hints(whole)["shard"] is type(None)
    assert get_type_hints(whole)["shard"] | get_type_hints(part)["shard"] == types["shard"]
