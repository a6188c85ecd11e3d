"""Do explainers point where the evidence is? Phantoms of a single cue, networks that use it, and every explainer."""
