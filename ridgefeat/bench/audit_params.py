"""AuditParams: from where on the leak audit speaks."""

from __future__ import annotations

from ridgefeat.stages.parameter import parameter, parameters


@parameters
class AuditParams:
    """Limits of the leak audit."""

    near_correlation: float = parameter(
        default=0.95,
        unit="",
        low=0.5,
        high=1.0,
        meaning="correlation of two aligned images from which they are copies of one picture",
    )
    same_finger_correlation: float = parameter(
        default=0.8,
        unit="",
        low=0.5,
        high=1.0,
        meaning="correlation of two aligned images from which they show one finger; other people's stay below 0.6",
    )
    neighbours: int = parameter(
        default=3,
        unit="",
        low=1,
        high=50,
        meaning="most similar images by signature that each image is compared with in full",
    )
    least_similarity: float = parameter(
        default=0.8,
        unit="",
        low=0.0,
        high=1.0,
        meaning="cosine of two signatures below which images are not compared in full",
    )
    near_rows: float = parameter(
        default=0.6,
        unit="",
        low=0.0,
        high=1.0,
        meaning="distance of two rows from which they are copies, as a share of the median distance to the "
        "nearest row of another group; used where there are no images",
    )
    identity_share: float = parameter(
        default=0.9,
        unit="",
        low=0.5,
        high=1.0,
        meaning="share of groups with one target value from which the target belongs to the group",
    )
    perfect_auc: float = parameter(
        default=0.99,
        unit="",
        low=0.5,
        high=1.0,
        meaning="area under the ROC curve from which a single column holds the target, whatever the others do",
    )
    suspect_auc: float = parameter(
        default=0.8, unit="", low=0.5, high=1.0, meaning="area under the ROC curve below which no feature is suspected"
    )
    crowd_factor: float = parameter(
        default=2.0,
        unit="",
        low=1.0,
        high=10.0,
        meaning="how many times the separation d' of the best ordinary columns a suspected one has",
    )
    trait_auc: float = parameter(
        default=0.65,
        unit="",
        low=0.5,
        high=1.0,
        meaning="area under the ROC curve from which a trait of the files, or a gap in a column, tells the target",
    )
    least_groups: int = parameter(
        default=12, unit="", low=4, high=1000, meaning="groups below which no column is judged"
    )
