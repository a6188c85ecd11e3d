"""The pointing game in a terminal: the table of Byra et al. 2022, with intervals and beside chance."""

from xaiaudit.metrics.proportions import FEWEST
from xaiaudit.records import EXTREMES, PointingGroup, PointingReport, PointingTable
from xaiaudit.reports import format as f
from xaiaudit.reports import words

REGIONS = {
    "lesion": "lesion (mass)",
    "ring": "ring (peritumoral)",
    "posterior": "posterior (below)",
    "any": "at least one",
}
NAME, VALUE = 26, 25  # characters of a column


def pointing_lines(report: PointingReport) -> list[str]:
    """Plain text, one table an explainer for the images decided rightly, and the same by class and decided wrongly."""
    lines = [
        f"Model: {f.printable(report.checkpoint.path)}",
        f"Data: {f.printable(report.data)}",
        _regions(report),
    ]
    for table in report.tables:
        lines += ["", *_table(table, report.images)]
    if report.leak.found:
        lines += ["", f"LEAK: {words.leak_words(report.leak)}"]
    lines += [f"Left out: {f.printable(item.file)}: {f.printable(item.reason)}" for item in report.left_out]
    lines += [f"Warning: {f.printable(warning)}" for warning in report.warnings]
    return [f.terminal(line).rstrip() for line in lines]


def _regions(report: PointingReport) -> str:
    regions = report.regions
    said = (
        f"Regions: ring of {f.number(regions.ring_mm)} mm in {f.count(regions.calibrated, 'image')}; relative ring, no "
        f"calibration, in {regions.relative}"
    )
    if regions.tolerance_mm:
        said += f"; a point within {f.number(regions.tolerance_mm)} mm of a region counts as inside"
    return said + "."


def _table(table: PointingTable, images: int) -> list[str]:
    explainer = table.explainer
    rows, columns = explainer.grid
    kind = "signed" if explainer.signed else "unsigned: it has no minimum"
    reasons = [f"{n} {reason}" for reason, n in table.left_out.items() if n]
    wrong = next(g.images for g in table.groups if g.decided == "wrongly" and g.label is None)
    if wrong:
        reasons.append(f"{wrong} decided wrongly")
    lines = [
        f"Explainer {explainer.id}: {rows} x {columns} cells of {explainer.layer}, {kind}",
        f"Of {f.count(images, 'image')}, not in the first table: {', '.join(reasons) or 'none'}.",
    ]
    if not any(group.images for group in table.groups):
        return [*lines, "  No table: no image is left."]
    for group in table.groups:
        if group.images:
            lines += _group(group)
    return [*lines, *_relations(table)]


def _group(group: PointingGroup) -> list[str]:
    shown = [e for e in EXTREMES if any(cell.extreme == e for cell in group.cells)]
    whose = "" if group.label is None else f", {f.printable(group.label)}"
    images, cases = f.count(group.images, "image"), f.count(group.cases, "case")
    lines = [f"  Decided {group.decided}{whose}: {images} of {cases}"]
    if group.images < FEWEST:
        return [*lines, f"    too few for a share: at least {FEWEST} images are needed"]
    lines.append("    " + " " * NAME + "".join(f"{extreme:<{VALUE}}" for extreme in shown))
    for region, name in REGIONS.items():
        cells = [next(c for c in group.cells if (c.region, c.extreme) == (region, e)) for e in shown]
        lines.append(f"    {name:<{NAME}}" + "".join(f"{f.rate(cell.share):<{VALUE}}" for cell in cells))
        chances = [f"{f.percent(cell.chance_uniform)}, {f.percent(cell.chance_shuffled)}" for cell in cells]
        lines.append(f"      {'by chance':<{NAME - 2}}" + "".join(f"{c:<{VALUE}}" for c in chances))
    if group.decided == "rightly" and group.label is None:
        lines.append(
            "    By chance: a point drawn uniformly from the image, the maps shuffled between these images."
        )
    return lines


def _relations(table: PointingTable) -> list[str]:
    if not table.relations:
        return []
    rightly, wrongly = (relation.n for relation in (table.relations[0].right, table.relations[0].wrong))
    if min(rightly, wrongly) < FEWEST:
        few = f"{f.count(rightly, 'image')} decided rightly and {wrongly} wrongly are too few"
        return [f"  Right against wrong decisions: {few}; at least {FEWEST} of each are needed"]
    lines = ["  Maximum in the region, decided rightly less decided wrongly, percentage points:"]
    for relation in table.relations:
        name = REGIONS[relation.region]
        lines.append(f"    {name:<{NAME}}{f.points(relation.difference):<{VALUE}}p {f.p_value(relation.p)}")
    return lines
