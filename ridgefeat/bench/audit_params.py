"""AuditParams: from where on the leak audit speaks."""

from __future__ import annotations

from ridgefeat.stages.parameter import parameter, parameters


@parameters
class AuditParams:
    """Limits of the leak audit."""

    near_correlation: float = parameter(
        0.95, "", 0.5, 1.0, "correlation of two aligned images from which they are copies of one picture"
    )
    same_finger_correlation: float = parameter(
        0.8,
        "",
        0.5,
        1.0,
        "correlation of two aligned images from which they show one finger; other people's stay below 0.6",
    )
    neighbours: int = parameter(
        3, "", 1, 50, "most similar images by signature that each image is compared with in full"
    )
    least_similarity: float = parameter(
        0.8, "", 0.0, 1.0, "cosine of two signatures below which images are not compared in full"
    )
    near_rows: float = parameter(
        0.6,
        "",
        0.0,
        1.0,
        "distance of two rows from which they are copies, as a share of the median distance to the "
        "nearest row of another group; used where there are no images",
    )
    identity_share: float = parameter(
        0.9, "", 0.5, 1.0, "share of groups with one target value from which the target belongs to the group"
    )
    perfect_auc: float = parameter(
        0.99,
        "",
        0.5,
        1.0,
        "area under the ROC curve from which a single column holds the target, whatever the others do",
    )
    suspect_auc: float = parameter(0.8, "", 0.5, 1.0, "area under the ROC curve below which no feature is suspected")
    crowd_factor: float = parameter(
        2.0, "", 1.0, 10.0, "how many times the separation d' of the best ordinary columns a suspected one has"
    )
    trait_auc: float = parameter(
        0.65,
        "",
        0.5,
        1.0,
        "area under the ROC curve from which a trait of the files, or a gap in a column, tells the target",
    )
    least_groups: int = parameter(12, "", 4, 1000, "groups below which no column is judged")
