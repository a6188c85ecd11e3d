"""The statistics of an audit under one name. Images of one case are never taken for independent."""

from xaiaudit.metrics.auc import auc
from xaiaudit.metrics.auc_difference import auc_difference, auc_worsening
from xaiaudit.metrics.bootstrap import bootstrap, distribution
from xaiaudit.metrics.differences import paired_difference, worsening
from xaiaudit.metrics.paired import holm, sign_flip, wilcoxon
from xaiaudit.metrics.proportions import bound, proportion

__all__ = [
    "auc",
    "auc_difference",
    "auc_worsening",
    "bootstrap",
    "bound",
    "distribution",
    "holm",
    "paired_difference",
    "proportion",
    "sign_flip",
    "wilcoxon",
    "worsening",
]
