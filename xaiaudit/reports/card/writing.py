"""A card of its own, or the section put into a card that is there."""

import hashlib
from pathlib import Path

from xaiaudit.audit_files import RECORD, read_record
from xaiaudit.errors import AuditError, DataError, UsageError
from xaiaudit.reports.card.front_matter import with_results
from xaiaudit.reports.card.placing import has_section, with_section
from xaiaudit.reports.card.results import eval_results
from xaiaudit.reports.card.section import section
from xaiaudit.reports.reading_verdict import read_verdict
from xaiaudit.writing import write_atomically

CARD = "card.md"
BYTE_ORDER_MARK = "\ufeff"


def write_card(
    audit_dir: Path | str, *, out: Path | str | None = None, into: Path | str | None = None
) -> Path:
    """Write the robustness section of a model card and its evaluation metadata; returns the file.

    Args:
        audit_dir: folder of a finished audit; with gate.json in it the verdict is told.
        out: a file for the section alone, under metadata of its own. Default: card.md in the folder.
        into: a card that is there, in place of `out`. The section goes between its marks, or to its end, and the
            results into its `model-index`; what else it holds stays as it is. The same audit again changes nothing.

    Raises:
        AuditError: the folder is no finished audit, or the file cannot be written.
        DataError: the card cannot be read, or its front matter or marks are broken.
        UsageError: both `out` and `into`, or `out` names a card that was written elsewhere.
    """
    if out is not None and into is not None:
        raise UsageError("a card is written to --out or put --into another, got both; name one of them")
    folder = Path(audit_dir)
    target = Path(into or out or folder / CARD)
    old = _read(target) if into is not None or target.exists() else ""
    if into is None and old and not has_section(old):
        raise UsageError(f"{target} is there already and was written elsewhere; put the section --into it")
    new = _card(folder, old, target)
    if new != old:
        try:
            write_atomically(target.resolve(), new.encode())
        except OSError as error:
            raise AuditError(f"{target} cannot be written ({error.strerror}); name another file") from error
    return target


def _card(folder: Path, old: str, path: Path) -> str:
    record = read_record(folder)
    verdict, fault = read_verdict(folder, hashlib.sha256((folder / RECORD).read_bytes()).hexdigest())
    mark = BYTE_ORDER_MARK * old.startswith(BYTE_ORDER_MARK)
    model = Path(record.checkpoint.path).stem or "model"
    card = with_section(old.removeprefix(mark), section(record, verdict, fault), path)
    return mark + with_results(card, eval_results(record), model=model, path=path)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}); name a card that is there, or write one with --out"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is no UTF-8 text ({error.reason} at byte {error.start}); name a Markdown card"
        ) from error
