"""Pages and pictures: what is shown to a person.

Pages, each one HTML file that needs no network:

- `write_bench_page`: a comparison of classifiers;
- `write_audit_page`: a leak audit;
- `write_compare_page`: a label compared over columns;
- `write_threshold_page`: decision thresholds of a comparator;
- `write_explore_page`, with `ExploreOptions`: a feature table to explore;
- `render_model_card`: what a model was made of, as Markdown;
- `write_methods`, `write_compare_methods`: a comparison as sentences for a paper's methods section; `write_crate`: a
  folder of results as an RO-Crate.

Pictures of prints:

- `save_overlay`, `draw_overlay`, `draw_panel`: a print stage by stage; `PANELS` names the stages;
- `save_template`: the minutiae of a template, on white or over its image;
- `plot_explanation`, `save_explanation`: what a feature's value was measured on; `plot_print`: a stage on axes;
- `save_match`, `draw_match`: two prints with the minutiae that a comparison paired;
- `save_picture`: any picture as a file.

Figures of reports, for notebooks and papers:

- `bench_displays`, `compare_displays`, `threshold_displays`: a report's figures by name, each with `plot(ax)` and
  `save(path)`;
- `plot_curves`, `plot_intervals`, `plot_predictions`, `plot_confusion_matrix`, `plot_tippett`, and of a threshold
  analysis `plot_det`, `plot_roc`, `plot_scores`, `plot_error_rates`: functions that draw on the axes they are given;
- `save_figure`: any matplotlib figure as SVG, PDF or PNG; `save_figures`: a report's figures, in all three formats;
- `percent`, `percent_interval`: rates as text, as the pages write them.

Read `page` (templates, numbers, files), `display` (a figure in this style) and `plots` (the kinds of figure) first;
then a module or folder per page: `audit`, `bench`, `compare`, `threshold`, `explore`; `pictures` and `provenance`
stand alone.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
