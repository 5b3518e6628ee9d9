from dataclasses import replace

import cv2
import numpy as np
import pytest

from ridgefeat.errors import LayoutError, ParameterError, ScoreError
from ridgefeat.synth import make_impression, make_master
from ridgefeat.verify import Calibration, Candidate, Entry, enrol, find_sources, have_ridges, identify, load_calibration
from ridgefeat.verify.enrolment import LATENT_SCALES
from ridgefeat.verify.identification import EFFECTIVE_PRIOR, SURE
from tests.verify.helpers import prepared, random_minutiae


@pytest.fixture(scope="module")
def entries(templates):
    return [Entry(f"{k}.png", {"subject": subject}, template) for k, (subject, template) in enumerate(templates)]


def test_the_mated_print_is_ranked_first(entries):
    gallery = [*entries[1:], Entry("x.png", failure="no image")]
    found = identify(entries[0], gallery, load_calibration(), top=4)
    assert found[0].subject == "101" and found[0].score > 0 > found[1].score
    assert [c.rank for c in found] == [1, 2, 3, 4]
    assert found[0].reached == 0 and found[0].fmr == 0 < found[0].fmr_at_most < 0.001
    assert found[-1].fmr > 0.01 and found[0].expected == pytest.approx(found[0].fmr_at_most * 5)
    with pytest.raises(ParameterError, match="top must be 1 or more, got 0"):
        identify(entries[0], entries, load_calibration(), top=0)


def test_prints_that_failed_cannot_be_searched(entries):
    bad = Entry("x.png", failure="no image")
    with pytest.raises(LayoutError, match=r"x.png cannot be searched for: no image"):
        identify(bad, entries, load_calibration())
    with pytest.raises(LayoutError, match="no print that can be compared"):
        identify(entries[0], [bad], load_calibration())


def test_ridges_are_known_if_every_template_has_them(entries):
    assert have_ridges([*entries, Entry("x.png", failure="no image")])
    assert not have_ridges([*entries, Entry("a.fmr", content=prepared(random_minutiae(1)))])


@pytest.mark.parametrize("seed", range(3))
def test_calibration_counts_and_never_extrapolates(seed):
    scores = np.random.default_rng(seed).normal(size=5000)
    calibration = Calibration.from_scores(scores, "test", max_points=100)
    for at in np.linspace(-3, 4, 30):
        true = int((scores >= at).sum())
        assert true <= calibration.count(float(at)) <= true + 120
        assert calibration.fmr(float(at))[1] >= true / 5000
    top = float(scores.max())
    assert calibration.count(top) == 1 and calibration.count(top + 1e-9) == 0
    # None of 5,000: at most 3 in 5,000, the rule of three.
    assert calibration.fmr(top + 1) == (0.0, pytest.approx(3 / 5000, rel=0.01))


def test_calibration_from_a_table_and_its_errors(verification, tmp_path):
    found = load_calibration(verification.save(tmp_path / "s.csv"))
    assert found.comparisons == 12 and found.data == "s.csv"
    assert load_calibration(kind="minutiae").comparisons == load_calibration().comparisons > 10_000
    with pytest.raises(ScoreError, match="no non-mated comparison has a score"):
        Calibration.from_scores(np.array([np.nan]), "test")
    with pytest.raises(
        ParameterError, match="unknown kind of calibration 'palms'; there are: ridges, minutiae, latents"
    ):
        load_calibration(kind="palms")


# Probabilities, and latents


def test_the_log_likelihood_ratio_is_that_of_the_distributions():
    rng = np.random.default_rng(0)
    made = Calibration.from_scores(rng.normal(-1, 1, 20_000), "test", mated=rng.normal(1, 1, 2_000))
    # Of two normal distributions of deviation 1 it is 2 x.
    assert made.odds == (pytest.approx(0, abs=0.15), pytest.approx(2, abs=0.15), pytest.approx(0, abs=0.01))
    mated = np.concatenate([rng.normal(1, 1, 1_500), rng.normal(-1, 1, 500)])
    assert Calibration.from_scores(rng.normal(-1, 1, 20_000), "test", mated=mated).odds[2] == pytest.approx(
        0.25, abs=0.1
    )
    assert Calibration.from_scores(np.zeros(99), "test", mated=np.zeros(9)).odds is None


@pytest.mark.parametrize("prior", [0.1, 0.5, 0.9])
def test_probabilities_are_the_shares_of_searches_that_find_the_finger(prior):
    rng = np.random.default_rng(1)
    calibration = Calibration(np.zeros(1), np.ones(1), 1, "test", odds=(0.0, 2.0, 1e-9))
    stated, right = [], []
    for _ in range(4000):
        scores, own = rng.normal(-1, 1, 20), rng.integers(20) if rng.random() < prior else None
        if own is not None:
            scores[own] += 2
        found = calibration.posterior(scores, prior)
        stated.append(found.max())
        right.append(found.argmax() == own)
    stated, right = np.array(stated), np.array(right)
    for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 1)):
        within = (stated >= low) & (stated < high)
        if within.sum() > 200:
            assert right[within].mean() == pytest.approx(stated[within].mean(), abs=0.06)
    assert right.mean() == pytest.approx(stated.mean(), abs=0.03)


def test_an_answer_is_trusted_from_0_9_and_a_latent_is_sure_from_0_99():
    nan = float("nan")
    for probability, reached, trusted in ((0.9, 5, True), (0.89, 0, False), (nan, 0, True), (nan, 1, False)):
        one = Candidate(1, "a.png", "a", 2.0, 0.0, 0.001, reached, 0.1, probability, 1)
        assert one.is_trusted is trusted
    calibration = Calibration(np.zeros(1), np.ones(1), 1, "test", odds=(0.0, 1.0, 1e-9))
    at = np.log(0.99 / 0.01)  # the score of one print at which the probability is 0.99
    assert calibration.is_sure(np.array([at + 0.01])) and not calibration.is_sure(np.array([at - 0.01]))
    assert (LATENT_SCALES, EFFECTIVE_PRIOR) == ((0.9, 0.8), 0.01)


def test_impressions_of_a_finger_share_its_probability(entries):
    """Impressions with the same score do not halve their finger's probability, if labels tell whose they are."""
    again = replace(entries[1], name="again.png")
    found = identify(entries[0], [*entries[1:], again], load_calibration())
    assert found[0].subject == found[1].subject == "101" and found[0].score == found[1].score
    assert found[0].probability == found[1].probability > 0.99 > found[2].probability
    unknown = [replace(e, labels={}) for e in (*entries[1:], again)]
    assert identify(entries[0], unknown, load_calibration())[0].probability == pytest.approx(0.5, abs=0.01)


@pytest.fixture(scope="module")
def latent(tmp_path_factory):
    """Clean prints of five fingers, and a latent of the last one: a part, a quarter too large, on a stain."""
    folder, shape = tmp_path_factory.mktemp("latent"), (320, 280)
    (folder / "clean").mkdir()
    for finger in range(5):
        master = make_master(rng=np.random.default_rng([5, finger]), shape=shape)
        image = make_impression(master, rng=np.random.default_rng([5, finger, 0]), noise_level=1, shape=shape).image
        cv2.imwrite(str(folder / "clean" / f"{finger}.png"), image)
    rng = np.random.default_rng([5, 4, 7])
    image = make_impression(master, rng=rng, noise_level=2, shape=shape).image
    image = cv2.resize(image, None, fx=1.28, fy=1.28, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    rows, columns = image.shape
    stain = cv2.GaussianBlur(rng.normal(size=image.shape), (0, 0), 12)
    y, x = np.mgrid[:rows, :columns]
    visible = np.hypot((x - columns / 2) / (0.33 * columns), (y - rows / 2) / (0.32 * rows)) < 1
    grey = 200 + 25 * stain / stain.std() + visible * 0.45 * (image - 200) + rng.normal(0, 8, image.shape)
    cv2.imwrite(str(folder / "latent.png"), np.clip(grey, 0, 255).astype(np.uint8))
    return folder


def test_a_latent_is_read_again_where_its_own_scale_finds_nothing(latent):
    probe, gallery = enrol(find_sources(latent / "latent.png"))[0], enrol(find_sources(latent / "clean"))
    calibration = load_calibration()
    plain = identify(replace(probe, reread=None), gallery, calibration)
    found = identify(probe, gallery, calibration)
    assert plain[0].probability < SURE and plain[0].readings == 1
    assert found[0].reference == "4.png" and found[0].readings > 1
    assert found[0].is_trusted and found[0].score > plain[0].score + 5
    # Without its own finger in the gallery, the answer is not to be trusted.
    other = identify(probe, gallery[:4], calibration)
    assert other[0].readings > 1 and not other[0].is_trusted
    # A probe that cannot be enrolled as it is may be enrolled as a latent.
    failed = replace(probe, content=None, failure="0 minutiae")
    assert identify(failed, gallery, calibration)[0].reference == "4.png"


def test_a_sure_answer_costs_no_second_reading(entries):
    def fail(jobs):
        raise AssertionError("the probe was read again")

    assert identify(replace(entries[0], reread=fail), entries[1:], load_calibration())[0].readings == 1
    # 0.973 can be trusted, and is not sure.
    calibration = Calibration(np.zeros(1), np.ones(1), 1, "test", odds=(0.0, 1.0, 0.01))
    assert [calibration.is_sure(np.array([best, 0.0, -5.0])) for best in (5.0, 9.0)] == [False, True]


def test_rates_of_the_users_own_scores_are_multiplied_by_the_readings(entries):
    calibration = Calibration.from_scores(np.arange(-1000.0, 100.0), "test")
    probe = replace(entries[0], reread=lambda jobs: [entries[0].content] * 2)
    once, thrice = (identify(e, entries[1:], calibration)[0] for e in (entries[0], probe))
    assert np.isnan(once.probability) and not once.is_trusted
    assert (thrice.score, thrice.readings) == (once.score, 3)
    assert thrice.fmr == pytest.approx(3 * once.fmr) and thrice.fmr_at_most == pytest.approx(3 * once.fmr_at_most)


def test_a_prior_is_a_probability(entries):
    for prior in (0, 1, -1, float("nan")):
        with pytest.raises(ParameterError, match="prior must be between 0 and 1, got"):
            identify(entries[0], entries[1:], load_calibration(), prior=prior)
