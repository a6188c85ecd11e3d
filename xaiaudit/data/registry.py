"""The kinds of dataset that can be read. A new kind is one file and one line here."""

from collections.abc import Mapping

# Each adapter's module also holds `recognises(path) -> bool`. The first that recognises a path reads it, so
# the layouts with files of their own stand before those that only have folders.
DATASETS: Mapping[str, str] = {
    "manifest": "xaiaudit.data.manifest:open_manifest",
    "busbra": "xaiaudit.data.busbra:open_busbra",
    "breast-usg": "xaiaudit.data.breast_usg:open_breast_usg",
    "inbreast": "xaiaudit.data.inbreast:open_inbreast",
    "udiat": "xaiaudit.data.udiat:open_udiat",
    "busis": "xaiaudit.data.busis:open_busis",
    "hmss": "xaiaudit.data.hmss:open_hmss",
    "thammasat": "xaiaudit.data.thammasat:open_thammasat",
    "rodrigues": "xaiaudit.data.rodrigues:open_rodrigues",
    "busi": "xaiaudit.data.busi:open_busi",
    "folder": "xaiaudit.data.folder:open_folder",
}
