"""The command line: one file a command. It parses, calls and prints; nothing heavy is imported until a command runs."""

from xaiaudit.cli.main import main

__all__ = ["main"]
