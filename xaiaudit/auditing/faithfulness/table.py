"""faithfulness.parquet: one row an image and explainer, random maps included."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from xaiaudit.auditing.faithfulness.running import Results
from xaiaudit.data.cases import hash_case
from xaiaudit.faithfulness_record import MEASURES, TABLE


def image_table(
    results: Results, explainers: Sequence[str], cases: Sequence[str], salt: str, classes: Sequence[str]
) -> pa.Table:
    """In the order of the images, explainers first; null where a measure is undefined or was not asked."""
    facts = results.facts
    controls = [name for name in results.outcomes if name not in explainers]
    columns = (*MEASURES, "infidelity_scale")
    rows = []
    for name in (*explainers, *controls):
        values = results.outcomes[name].values
        for row, image in enumerate(facts.names):
            rows.append(
                {
                    "image": image,
                    "sha256": facts.sha256[row],
                    "case": hash_case(cases[row], salt),
                    "explainer_id": name,
                    "target_class": classes[facts.target[row]],
                    "defined": bool(values["defined"][row]),
                    **{key: _plain(values[key][row]) for key in columns if key in values},
                    "vanished": bool(values["vanished"][row]) if "vanished" in values else None,
                }
            )
    return pa.Table.from_pylist(rows, schema=TABLE)


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
