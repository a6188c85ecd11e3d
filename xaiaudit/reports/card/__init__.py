"""The robustness section of a model card, and the evaluation metadata of the Hugging Face Hub."""
