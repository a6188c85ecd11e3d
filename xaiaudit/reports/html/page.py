"""The page around the words: template, style and script joined into one file that asks nothing of a network."""

import base64
import hashlib
import json
from importlib.resources import files
from string import Template
from typing import Any

TEMPLATE, STYLE = "page.html", "page.css"
SCRIPTS = (
    "data.js",
    "format.js",
    "columns.js",
    "table.js",
    "paint.js",
    "facts.js",
    "viewer.js",
    "theme.js",
    "page.js",
)  # in the order that one needs another
FOLDER = files("xaiaudit.reports.html")


def page(**parts: str) -> str:
    """The file, whole, of the parts that the template names, all of them markup or escaped.

    Its policy lets the browser run this script and this style alone, told by their hashes, show the pictures that
    lie in the file, and ask for nothing else.
    """
    style = _asset(STYLE)
    script = "".join(_asset(name) for name in SCRIPTS)
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return Template(_asset(TEMPLATE)).substitute(parts, policy=policy, style=style, script=script)


def json_text(value: Any) -> str:
    """JSON that may stand within a script element: no character of it can end the element or open a comment.

    Raises:
        ValueError: it holds a number that is not finite.
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _asset(name: str) -> str:
    return FOLDER.joinpath(name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
