"""A table -> classifiers compared: data, audit, splits, classifiers, evaluation, statistics, model."""
