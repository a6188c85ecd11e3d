"""What the benchmark of Shareef et al. 2023 prints as AUC is balanced accuracy: over every cell of its tables."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

# sensitivity, specificity and "AUC" in percent, row by row and column by column of Tables 4 to 9
PRINTED = {
    4: (
        "69.3 59.8 64.5, 70.9 75.9 73.4, 69.0 59.6 64.3, 62.8 80.5 71.7, 74.5 49.1 61.8, 76.9 74.2 75.5, 74.2 "
        "50.6 62.4, 79.1 61.8 70.4, 75.7 62.2 68.9, 75.8 77.8 76.8, 75.4 52.1 63.8, 73.0 72.6 72.8, 75.6 43.8 "
        "59.7, 73.0 75.4 74.2 "
    ),
    5: (
        "70.9 75.9 73.4, 72.2 81.9 77.0, 62.8 80.5 71.7, 73.4 78.4 75.9, 76.9 74.2 75.5, 75.1 79.6 77.4, 79.1 "
        "61.8 70.4, 74.0 78.5 76.3, 75.8 77.8 76.8, 77.6 75.8 76.7, 73.0 72.6 72.8, 72.1 79.9 76.0, 73.0 75.4 "
        "74.2, 74.0 79.6 76.8 "
    ),
    6: (
        "72.2 81.9 77.0, 90.1 55.7 72.9, 88.6 52.6 70.6, 73.4 78.4 75.9, 86.8 57.1 71.9, 90.3 47.4 68.8, 75.1 "
        "79.6 77.4, 87.6 60.8 74.2, 87.2 57.6 72.4, 74.0 78.5 76.3, 86.2 59.4 72.8, 88.3 54.4 71.4, 77.6 75.8 "
        "76.7, 86.7 62.6 74.7, 90.2 50.9 70.5, 72.1 79.9 76.0, 88.7 57.7 73.2, 91.9 45.1 68.5, 74.0 79.6 "
        "76.8, 86.8 61.2 74.0, 91.3 48.5 69.9 "
    ),
    7: (
        "90.1 55.7 72.9, 89.0 54.8 71.9, 87.7 55.0 71.3, 86.8 57.1 71.9, 88.4 57.6 73.0, 86.5 54.6 70.6, 87.6 "
        "60.8 74.2, 87.4 61.3 74.4, 83.6 61.5 72.5, 86.2 59.4 72.8, 87.6 54.6 71.1, 85.2 56.7 70.9, 86.7 62.6 "
        "74.7, 89.7 51.1 70.4, 86.3 57.0 71.7, 88.7 57.7 73.2, 88.5 59.6 74.0, 87.6 50.0 68.8, 86.8 61.2 "
        "74.0, 86.2 61.7 73.9, 85.1 59.7 72.4 "
    ),
    8: (
        "75.3 87.1 81.2, 79.1 88.9 84.0, 78.1 90.2 84.1, 81.1 91.0 86.1, 78.5 89.2 83.8, 80.1 89.0 85.0, 81.0 "
        "91.2 86.1, 81.3 90.9 86.1, 81.2 86.9 84.0, 81.0 91.2 86.1 "
    ),
    9: ("81.4 91.4 86.4, 77.4 87.8 82.6, 87.3 81.7 84.5, 90.4 89.8 90.1 "),
}


def cells(text: str) -> np.ndarray:
    return np.array([[float(number) for number in cell.split()] for cell in text.strip().split(",")])


def test_its_auc_is_the_mean_of_sensitivity_and_specificity_in_all_cells_but_one() -> None:
    printed = np.concatenate([cells(text) for text in PRINTED.values()])
    assert len(printed) == 84
    off = np.abs(printed[:, 2] - printed[:, :2].mean(1))
    assert (off <= 0.1 + 1e-9).sum() == 83  # three numbers, each rounded to a tenth
    assert printed[off > 0.1 + 1e-9].tolist() == [[80.1, 89.0, 85.0]]  # ResNet-50, multi-task, Table 8


def test_an_auc_of_decisions_is_balanced_accuracy() -> None:
    """Which is what the code that the authors published computes: roc_auc_score of labels and decisions."""
    rng = np.random.default_rng(0)
    labels, decisions = rng.integers(2, size=(2, 60))
    assert roc_auc_score(labels, decisions) == pytest.approx(balanced_accuracy_score(labels, decisions))
