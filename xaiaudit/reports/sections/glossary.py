"""The words of this report, as it uses them."""

from xaiaudit.reports.blocks import Canvas, Facts, Section
from xaiaudit.reports.reading import Audit

WORDS = [
    ("Attack", "a search for a small change of an image that makes the model decide otherwise, or moves its map"),
    ("Baseline", "the audit of the last accepted checkpoint, with which a policy compares"),
    ("Bound", "the end of a one-sided 95 % interval: with that confidence the true figure lies on its good side"),
    ("Brier score", "the mean squared distance of the probabilities given from what the images were; 0 is best"),
    ("Case", "a patient or lesion; images of one case are not independent, and every interval allows for that"),
    ("Chance level", "how often a random point, or another image’s map, would hit the region"),
    ("Confidence", "how far a decision is from the operating threshold: 0.5 at it, up to 1"),
    ("Decision", "the class that the model gives at its operating threshold"),
    ("Diagonal", "of the image at the network’s size, without its padding"),
    ("Explainer", "a method that makes a saliency map, such as Grad-CAM"),
    ("Finding", "one checked line of a policy: passed, failed or not assessed"),
    ("Grey level", "1/255 of the range from black to white; radii are the most that any pixel may change (L∞), or the "
     "root of the summed squares of all changes (L2)"),
    ("Label", "the class that the dataset names as true"),
    ("Label flip", "a decision that differs after the attack from that on the clean image, right or wrong"),
    ("Operating threshold", "the probability from which an image is decided positive"),
    ("Peak", "the cell where a map is largest; mass centre: the centre of all its positive values"),
    ("Radius, ε", "how far an attack may go"),
    ("Ring", "the tissue within 5 mm of the lesion, or as wide as the figures on calibration say"),
    ("Robust accuracy", "the share of images decided rightly both before and after the attack"),
    ("Saliency map", "a picture of what a decision is said to rest on"),
    ("Silent shift", "the decision stands and the map moves away from the lesion, far, or vanishes"),
    ("Undefined map", "a map without a positive value (a signed one: without variation): it points nowhere"),
    ("Vanished map", "defined before the attack, undefined after it; counts as moved"),
    ("White box, black box", "the attacker knows weights and gradients, or sees only what the model puts out"),
]  # fmt: skip


def glossary(audit: Audit, canvas: Canvas) -> Section:
    return Section(title="Words", blocks=[Facts(rows=WORDS, mono=[])])
