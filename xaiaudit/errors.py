"""The errors a user can meet. Each message is one line: what was got, why it is wrong, how to mend it."""


class XaiauditError(Exception):
    """Something in the input stops the work; the command line prints it after `Error: ` and exits with 2."""


class UsageError(XaiauditError):
    """An option, a name or a value that cannot be used."""


class DataError(XaiauditError):
    """Images, masks, tables or folders that cannot be read or do not fit together."""


class CheckpointError(XaiauditError):
    """A checkpoint that cannot be read, is unsafe to read, or does not fit its architecture."""


class AuditError(XaiauditError):
    """An audit folder that cannot be written, resumed, merged or read."""


class NumericalError(XaiauditError):
    """A computation left the finite numbers, so that nothing after it would be true."""


class AttackError(XaiauditError):
    """An attack of another package that broke down, so that nothing can be told of the images it was given."""


class TrainingError(XaiauditError):
    """A training run that ended in a model nobody should use, so that none was written."""


class InstallationError(XaiauditError):
    """Packages that do not fit together, so that one of them cannot be imported."""
