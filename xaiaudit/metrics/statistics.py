"""The statistics of an audit under one name. Images of one case are never taken for independent."""

from xaiaudit.metrics.auc import auc
from xaiaudit.metrics.bootstrap import bootstrap, distribution
from xaiaudit.metrics.paired import holm, sign_flip, wilcoxon
from xaiaudit.metrics.proportions import proportion

__all__ = ["auc", "bootstrap", "distribution", "holm", "proportion", "sign_flip", "wilcoxon"]
