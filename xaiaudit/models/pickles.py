"""What a pickle would import, read from its opcodes: nothing in it is run."""

import io
import pickletools
import zipfile

# Named by every torch.save of tensors; they say nothing of why a file was refused.
_OF_TENSORS = ("collections.OrderedDict", "torch._utils._rebuild_", "torch.Size", "torch.serialization.")
_STREAMS = 5  # pickles that a file of torch.save before 1.6 begins with


def imported_names(data: bytes) -> list[str]:
    """`module.name` of everything that the pickles in a file's bytes ask for, in order, each once.

    Reads zip archives of torch.save, older torch files, and plain pickles; a damaged one as far as it goes.
    """
    names: dict[str, None] = {}
    for stream in _streams(data):
        for _ in range(_STREAMS):
            try:
                names.update(dict.fromkeys(_names(stream)))
            except (ValueError, IndexError, UnicodeDecodeError, KeyError):
                break  # the end, or bytes that are no pickle
    return list(names)


def suspects(data: bytes) -> list[str]:
    """The imported names that plain tensors do not need."""
    return [
        name for name in imported_names(data) if not name.startswith(_OF_TENSORS) and "Storage" not in name
    ]


def _streams(data: bytes) -> list[io.BytesIO]:
    if not data.startswith(b"PK"):
        return [io.BytesIO(data)]
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [io.BytesIO(archive.read(n)) for n in archive.namelist() if n.endswith(".pkl")]
    except (zipfile.BadZipFile, EOFError):
        return []


def _names(stream: io.BytesIO) -> list[str]:
    """The imports of one pickle. STACK_GLOBAL takes two strings from the stack, maybe by way of the memo."""
    names: list[str] = []
    strings: list[str] = []
    memo: dict[int, str] = {}
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in ("GLOBAL", "INST"):
            names.append(str(argument).replace(" ", "."))
        elif opcode.name == "STACK_GLOBAL":
            names.append(".".join(strings[-2:]) or "?")
        elif "UNICODE" in opcode.name or opcode.name in ("STRING", "BINSTRING", "SHORT_BINSTRING"):
            strings.append(str(argument))
        elif opcode.name == "MEMOIZE":
            memo[len(memo)] = strings[-1] if strings else "?"
        elif opcode.name in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[int(argument or 0)] = strings[-1] if strings else "?"
        elif opcode.name in ("GET", "BINGET", "LONG_BINGET"):
            strings.append(memo.get(int(argument or 0), "?"))
    return names
