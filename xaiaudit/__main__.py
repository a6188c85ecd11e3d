"""`python -m xaiaudit` is the command `xaiaudit`."""

from xaiaudit.cli import main

if __name__ == "__main__":
    main(prog_name="xaiaudit")
