"""The documents that `xaiaudit report` writes: a literal table from a format to its file and to what makes it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, partial
from importlib import import_module
from pathlib import Path

from xaiaudit.errors import AuditError, UsageError
from xaiaudit.reports.gate_files import the_verdict
from xaiaudit.reports.reading import read_audit
from xaiaudit.reports.targets import check_suffix


@dataclass(frozen=True, kw_only=True)
class Format:
    file: str  # its name in the audit's folder
    writer: str  # imported on use; called with the audit's folder and, as `out`, the file to write
    needs_verdict: bool = False
    needs_tables: bool = False  # called with the audit as it was read, in place of its folder


FORMATS: Mapping[str, Format] = {
    "pdf": Format(file="report.pdf", writer="xaiaudit.reports.pdf:write_report", needs_tables=True),
    "html": Format(file="report.html", writer="xaiaudit.reports.html:write_html", needs_tables=True),
    "junit": Format(file="junit.xml", writer="xaiaudit.reports.gate_files:write_junit", needs_verdict=True),
    "md": Format(file="summary.md", writer="xaiaudit.reports.gate_files:write_summary"),
}


DOCUMENTS = ("pdf", "html")  # that people read and sign, and that tell the verdict


def renew_documents(folder: Path) -> list[Path]:
    """Write those of an audit's PDF and HTML again that are there, as they tell a verdict that may be another now.

    Raises:
        AuditError: one cannot be written.
    """
    there = [name for name in DOCUMENTS if (folder / FORMATS[name].file).exists()]
    return list(write_formats(folder, there))


def named(text: str) -> list[str]:
    """The formats of a list like "pdf,html", each once, in its order.

    Raises:
        UsageError: one is not known.
    """
    names = list(dict.fromkeys(name.strip().lower() for name in text.split(",")))
    for name in names:
        if name not in FORMATS:
            near = get_close_matches(name, FORMATS, n=1, cutoff=0.5)
            hint = f"the nearest is {near[0]!r}; " if near else ""
            raise UsageError(f"no format {name!r}; {hint}there are {', '.join(FORMATS)}, joined by commas")
    return names


def write_formats(folder: Path, names: Sequence[str], out: Path | None = None) -> Iterator[Path]:
    """Write the audit in `folder` in each of the formats; yields each file when it is written.

    Args:
        folder: of a finished audit.
        names: of `FORMATS`.
        out: a folder, made where it is missing; or, for one format, a file that ends as it should. None: `folder`.

    Raises:
        UsageError: `out` is one file, and there are several formats.
        AuditError: the folder is no finished audit, there is no verdict and a format tells nothing else, `out` is a
            file that ends otherwise, or a file cannot be written. Of all but the last nothing is written.
    """
    for name in names:
        if FORMATS[name].needs_verdict:
            the_verdict(folder, name)
    targets = _targets(folder, names, out)
    audit = cache(partial(read_audit, folder))  # once for all
    for name, target in zip(names, targets, strict=True):
        module, _, function = FORMATS[name].writer.partition(":")
        source = audit() if FORMATS[name].needs_tables else folder
        yield getattr(import_module(module), function)(source, out=target)


def _targets(folder: Path, names: Sequence[str], out: Path | None) -> list[Path]:
    where = folder if out is None else out
    if out is not None and out.suffix and not out.is_dir():
        if len(names) > 1:
            raise UsageError(
                f"--out {out} is one file, and {len(names)} formats are asked for; name a folder for them"
            )
        check_suffix(out, Path(FORMATS[names[0]].file).suffix)
        return [out]
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AuditError(
                f"the folder {out} cannot be made ({error.strerror}); name another with --out"
            ) from error
    return [where / FORMATS[name].file for name in names]
