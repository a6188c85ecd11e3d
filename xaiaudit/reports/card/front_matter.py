"""The YAML at the head of a model card: evaluation results go in, all else stays as it was written."""

import re
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import CardData, EvalResult, ModelCardData
from huggingface_hub.repocard import REGEX_YAML_BLOCK
from huggingface_hub.repocard_data import eval_results_to_model_index

from xaiaudit.errors import DataError
from xaiaudit.reports.card.results import TOOL

INDEX = "model-index"


def with_results(card: str, results: list[EvalResult], *, model: str, path: Path) -> str:
    """`card` with these results under `model-index`, in the place of those of an earlier run.

    Only that key is written anew; what others wrote there keeps its values and order, and every other byte of the card
    stays. Results join the first model that the card names; `model` names it where there is none.

    Args:
        card: a whole card, with or without front matter.
        path: of the card, for messages.

    Raises:
        DataError: the front matter cannot be read, or cannot be written without a change to other keys.
    """
    newline = "\r\n" if "\r\n" in card else "\n"
    found = REGEX_YAML_BLOCK.search(card)  # the Hub's own rule of where front matter ends
    if found is None and card.lstrip().startswith("---"):
        raise _broken(path, "begins with --- but has no second --- after a first key")
    before = _read(found[2], path) if found else {}
    index = _merged(before.get(INDEX) or [], results, model)
    if index == (before.get(INDEX) or []):
        return card
    written = _yaml(index, newline) if index else ""
    if found is None:
        return f"---{newline}{written}{newline}---{newline}{card}"
    front = _with_index(found[2], written, newline)
    expected = {key: value for key, value in before.items() if key != INDEX} | (
        {INDEX: index} if index else {}
    )
    if _parsed(front) != expected:  # an anchor in it that another key refers to, a mapping in braces, ...
        raise _broken(
            path, f"is written so that {INDEX} cannot be changed alone; write one key a line, no anchors"
        )
    return card[: found.start(2)] + front + card[found.end(2) :]


def _yaml(index: list[dict[str, Any]], newline: str) -> str:
    data = CardData()
    data[INDEX] = index
    return str(data.to_yaml(line_break=newline))


def _read(front: str, path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(front)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in its line {mark.line + 1}" if mark else ""
        raise _broken(path, f"is not YAML{where} ({getattr(error, 'problem', None) or error})") from error
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise _broken(path, "must be keys with values, as license: mit")
    if key := _twice(yaml.compose(front, Loader=yaml.SafeLoader), set()):
        raise _broken(path, f"has the key {key!r} twice in one place")
    try:
        ModelCardData(**values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _broken(path, f"cannot be read by huggingface_hub ({error})") from error
    return values


def _twice(node: yaml.Node, seen: set[int]) -> str:
    """A key that a mapping has more than once, of which YAML would keep the last in silence; else nothing."""
    if id(node) in seen or not isinstance(node, yaml.CollectionNode):
        return ""
    seen.add(id(node))
    keys = [pair[0].value for pair in node.value] if isinstance(node, yaml.MappingNode) else []
    repeated = [str(key) for key in keys if keys.count(key) > 1]
    inner = (_twice(child[1] if isinstance(child, tuple) else child, seen) for child in node.value)
    return next(filter(None, [*repeated, *inner]), "")


def _merged(index: list[dict[str, Any]], results: list[EvalResult], model: str) -> list[dict[str, Any]]:
    """Ours at the end of the first model's results, nobody else's lost."""
    kept = [entry | {"results": _others(entry["results"])} for entry in index]
    new = eval_results_to_model_index(model, results)[0]["results"]
    if new and not kept:
        kept = [{"name": model, "results": []}]
    if new:
        kept[0]["results"] = kept[0]["results"] + new
    already_empty = [entry["name"] for entry in index if not entry["results"]]  # as others wrote them
    return [entry for entry in kept if entry["results"] or entry["name"] in already_empty]


def _others(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the metrics of an earlier run, which other tools may have moved into one result with others'."""
    found = []
    for result in results:
        metrics = [metric for metric in result["metrics"] if not _is_ours(metric)]
        if metrics or not result["metrics"]:
            found.append(result | {"metrics": metrics})
    return found


def _is_ours(metric: dict[str, Any]) -> bool:
    arguments = metric.get("args")
    return isinstance(arguments, dict) and arguments.get("tool") == TOOL


def _with_index(front: str, written: str, newline: str) -> str:
    """The lines of the key replaced, or new ones at the end."""
    node = yaml.compose(front, Loader=yaml.SafeLoader)
    for key, value in node.value if node is not None else ():
        if key.value == INDEX:
            rest = front[_end(value, front) :]
            on_its_line = re.match(r"[ \t]*(#[^\r\n]*)?", rest)
            return front[: key.start_mark.index] + written + rest[on_its_line.end() if on_its_line else 0 :]
    return f"{front}{newline}{written}" if front.strip() else written


def _end(node: yaml.Node, front: str) -> int:
    """Where the text of a node ends; its own mark may stand after the blank lines and comments that follow."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last, front)
    return len(front[: node.end_mark.index].rstrip())


def _parsed(front: str) -> object:
    try:
        return yaml.safe_load(front)
    except yaml.YAMLError:
        return None


def _broken(path: Path, how: str) -> DataError:
    return DataError(f"the front matter of {path} {how}; mend it by hand, the card was left as it is")
