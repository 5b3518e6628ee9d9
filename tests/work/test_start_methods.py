"""The same numbers whatever runs the calls: threads, processes of any start method, joblib inside joblib."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from joblib import Parallel, delayed

import ridgefeat as rf

FAMILIES = ["ridge", "minutiae"]


def features(path):
    return rf.extract(path, FAMILIES).to_numpy()


def features_of_all(folder):
    return rf.extract_many([folder], families=FAMILIES, jobs=2)


@pytest.fixture
def serial(prints):
    """The paths of the prints, and their features computed one after the other."""
    paths = sorted(prints.iterdir())
    return paths, [features(path) for path in paths]


def test_threads_of_the_caller(serial):
    paths, expected = serial
    with ThreadPoolExecutor(4) as pool:
        np.testing.assert_array_equal(list(pool.map(features, paths * 3)), expected * 3)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_of_the_caller(serial, method):
    paths, expected = serial
    with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:
        np.testing.assert_array_equal(list(pool.map(features, paths)), expected)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_joblib_inside_joblib(prints, serial, backend):
    _, expected = serial
    (frame,) = Parallel(2, backend=backend)([delayed(features_of_all)(prints)])
    np.testing.assert_array_equal(frame.iloc[:, -len(expected[0]) :].to_numpy(np.float32), expected)
