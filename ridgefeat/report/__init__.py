"""Pages and pictures: what is shown to a person.

Figures of reports, for notebooks and papers:

- `bench_displays`, `threshold_displays`: a report's figures by name, each with `plot(ax)` and `save(path)`;
- `plot_curves`, `plot_intervals`, `plot_predictions`, `plot_confusion_matrix`, and of a threshold analysis `plot_det`,
  `plot_roc`, `plot_scores`, `plot_error_rates`: functions that draw on the axes they are given;
- `save_figure`: any matplotlib figure as SVG, PDF or PNG.
"""

import lazy_loader  # type: ignore[import-untyped]

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "bench_page": ["bench_displays"],
        "display": ["Display", "save_figure"],
        "plots": ["Curve", "Interval", "plot_confusion_matrix", "plot_curves", "plot_intervals", "plot_predictions"],
        "threshold_figures": ["plot_det", "plot_error_rates", "plot_roc", "plot_scores", "threshold_displays"],
    },
)
