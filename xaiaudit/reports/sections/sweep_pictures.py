"""What the simulated sweeps make of an image of the gallery, made again from its file and seed."""

import numpy as np
import pyarrow.compute as pc

from xaiaudit.acquisition.registry import change
from xaiaudit.acquisition.sweep import swept
from xaiaudit.acquisition.view import view_of
from xaiaudit.records import SECOND_SWEEP
from xaiaudit.reports.reading import Audit, read_picture
from xaiaudit.types import GreyImage


def sweep_pictures(audit: Audit) -> tuple[str, list[tuple[str, GreyImage]]]:
    """The name of an image, and (title, picture) of it as it is and under each sweep of the audit, real part only.

    No picture without a gallery image that the table of sweeps holds, and of stretched images without spacing, whose
    pixel aspect no record tells.
    """
    found, cases = audit.record.variability, audit.record.gallery
    stretched = audit.record.checkpoint.preprocessing.get("mode") == "stretch"
    if found is None or audit.sweeps is None or not cases or (stretched and cases[0].spacing is None):
        return "", []
    case = cases[0]
    own = audit.sweeps.filter(pc.field("image") == case.image)
    if not own.num_rows:
        return "", []
    image = read_picture(audit.folder / case.files["clean"])
    valid = np.ones(image.shape, bool)
    if "valid" in case.files:
        valid = read_picture(audit.folder / case.files["valid"]) > 127
    view = view_of(valid, case.spacing)
    seed = own["seed"][0].as_py()
    single = {
        item.id: (item.name, change(item.name, **item.parameters))
        for item in found.changes
        if item.id != SECOND_SWEEP
    }
    pictures = [("as it is", image[view.box])]
    for item in found.changes:
        changes = list(single.values()) if item.id == SECOND_SWEEP else [single[item.id]]
        shown = swept(image / 255, view, changes, seed).image
        pictures.append((item.id, np.rint(shown * 255).astype(np.uint8)[view.box]))
    return case.image, pictures
