"""An audit of a thousand images, made of a small one: each many times, under names of its own, with finer maps."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.ndimage import gaussian_filter

from xaiaudit.records import parquet_list

CELLS = 28  # a side: the largest map that an audit stores


def multiply(small: Path, folder: Path, copies: int) -> Path:
    """The folder, with maps of smooth noise that compress no better than real ones."""
    folder.mkdir()
    for name in ("audit.json", "acquisition.parquet"):
        shutil.copy(small / name, folder / name)
    shutil.copytree(small / "images", folder / "images")
    pq.write_table(
        _copies(pq.read_table(small / "predictions.parquet"), copies), folder / "predictions.parquet"
    )
    maps = pq.read_table(small / "maps.parquet")
    maps = _copies(maps.filter((pc.field("attack_id") == "none") | (pc.field("target") == "same")), copies)
    pq.write_table(_finer(maps), folder / "maps.parquet")
    return folder


def _copies(table: pa.Table, copies: int) -> pa.Table:
    """The first copy keeps its names, so that the gallery's pictures are found."""
    column = table.column_names.index("image")
    return pa.concat_tables(
        [
            table.set_column(
                column,
                table.field(column),
                pa.chunked_array(
                    [[f"{name}{f' copy {k}' if k else ''}" for name in table["image"].to_pylist()]],
                    pa.string(),
                ),
            )
            for k in range(copies)
        ]
    )


def _finer(table: pa.Table) -> pa.Table:
    rng = np.random.default_rng(0)
    fields = gaussian_filter(rng.normal(size=(1000, CELLS, CELLS)), (0, 2, 2)).reshape(1000, -1)
    fields = (fields / np.abs(fields).max(axis=1, keepdims=True)).astype(np.float16)
    rows = rng.integers(0, 1000, table.num_rows)  # no two near enough for deflate to notice
    codes = rng.integers(0, 5, (50, 49), np.uint8).reshape(50, 7, 7).repeat(4, 1).repeat(4, 2).reshape(50, -1)
    new = {
        "map": _lists(fields[rows]),
        "cells": _lists(codes[rows % 50]),
        "grid_rows": pa.array(np.full(len(rows), CELLS, np.int32)),
        "grid_columns": pa.array(np.full(len(rows), CELLS, np.int32)),
    }
    for name, values in new.items():
        column = table.column_names.index(name)
        table = table.set_column(column, table.field(column), pa.chunked_array([values]))
    return table


def _lists(values: np.ndarray) -> pa.Array:
    flat = pa.array(values.ravel())
    starts = pa.array(np.arange(len(values) + 1, dtype=np.int32) * values.shape[1])
    return pa.ListArray.from_arrays(starts, flat, type=parquet_list(flat.type))
