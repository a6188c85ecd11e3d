"""What a detector finds, in a terminal."""

from xaiaudit.records import DetectionRecord
from xaiaudit.reports import format as f


def detection_lines(record: DetectionRecord) -> list[str]:
    """One statistic a line with its 95 % interval over cases."""
    if not record.lesions:
        return ["  lesions found      not assessed: of no image it is known where its lesions are"]
    of = f"{f.count(record.lesions, 'lesion')} of {f.count(record.images, 'image')}"
    lines = []
    if record.found is not None:
        false = f"at {record.false_marks:.2f} false marks an image" if record.false_marks is not None else ""
        lines.append(
            f"  {'lesions found':<18} {f.rate(record.found)} by boxes of a score of {record.score:g} or more, {false}; "
            f"{of}, IoU above {record.iou:g}"
        )
    lines += [
        f"  {'':<18} {f.rate(share)} at no more than {rate} false marks an image"
        for rate, share in record.shares.items()
    ]
    precision = ", ".join(f"{value:.2f} at IoU {iou}" for iou, value in record.precision.items())
    lines.append(f"  {'average precision':<18} {precision}")
    if record.found_dice is not None:
        lines.append(
            f"  {'Dice where found':<18} {f.value(record.found_dice)}, {f.count(record.found_dice.n, 'image')} whose "
            f"every lesion is found at an IoU of {record.dice_iou:g}"
        )
    if record.unknown:
        lines.append(
            f"  {f.count(record.unknown, 'image')} with a lesion that nobody outlined or boxed: left out"
        )
    return lines
