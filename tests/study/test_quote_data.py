"""Numbers quoted beside the tables of 01_qc to 04_augment: counts by hand."""

import numpy as np
import pandas as pd

from ddi.data import qc
from ddi.study import quote_augment, quote_data, quote_groups


def verdicts(broken, sources):
    """Verdicts of entries that break one rule each, or none ("")."""
    rows = [{rule: "why" if rule == one else "" for rule in qc.RULES} for one in broken]
    return pd.DataFrame(rows).assign(
        source=sources,
        accepted=[one in ("", qc.LAST) for one in broken],
        volume_per_atom=np.arange(len(broken)) + 10.0,
    )


def test_rule_seven_is_quoted_by_source_and_the_others_together():
    first = next(iter(qc.RULES))
    found = quote_data.rejections(
        verdicts([first, "", qc.LAST, "", qc.LAST], ["amcsd"] * 2 + ["core_mof"] * 3)
    )
    assert (found["QcRulesZeroToSix"], found["QcRulesZeroToSixPercent"]) == (1, "20.00")
    assert (found["QcRejected"], found["QcAcceptedPercent"]) == (1, "80.0")
    assert (found["QcAMCSDRuleSevenPercent"], found["QcCoREMOFRuleSevenPercent"]) == ("0.0", "66.7")
    assert found["QcCoREMOFVolumePerAtom"] == "13.0" and "QcCODRuleSevenPercent" not in found


def test_the_crystal_without_a_name_is_called_by_its_contents():
    clusters = pd.DataFrame({"name": ["–"], "cell contents": ["Ni4"], "space group": ["F m -3 m"]})
    assert quote_data.largest(clusters)["DedupLargestName"] == "Ni4"


def test_growth_is_that_of_the_worse_database():
    grown = pd.DataFrame(
        {
            "n": [10, 10, 40, 40],
            "database": ["new crystals", "the same again"] * 2,
            "per_entry": [2.0, 4.0, 3.0, 10.0],
        }
    )
    found = quote_data.growth(grown)
    assert (found["DedupScalingTimes"], found["DedupScalingRatio"]) == ("4", "2.5")
    assert found["DedupScalingPairsAgain"] == "10"


def test_families_of_one_are_entries_without_an_analogue():
    entries = pd.DataFrame({"family": [1, 1, 1, 2, 3], "split": ["train"] * 4 + ["test"]})
    found = quote_groups.families(entries)
    assert (found["FamilyCount"], found["FamilyLargest"]) == (3, 3)
    assert (found["FamilyAlonePercent"], found["SplitTrainEntries"]) == ("40", 4)


def test_leaks_are_counted_under_both_splits():
    near = pd.DataFrame(
        {
            "split": ["split"] * 2 + ["split_entry"] * 4,
            "analogue": [False, False, True, True, True, False],
            "like_lattice": [True, False, True, True, True, True],
        }
    )
    found = quote_groups.leakage(near)
    assert (found["SplitTestEntries"], found["LeakFamilyIsotypes"]) == (2, 0)
    assert (found["LeakEntryIsotypes"], found["LeakEntryPercent"]) == (3, "75.0")
    assert (found["LeakLikeLatticePercent"], found["LeakEntryLikeLatticePercent"]) == (
        "50.0",
        "100.0",
    )


def test_distances_are_means_over_systems_and_a_missing_form_is_not_quoted():
    forms = pd.DataFrame({"acceptance": ["as written"] * 2, "KS of separations": [0.02, 0.04]})
    found = quote_augment.forms(forms)
    assert (found["FormKsWritten"], found["FormKsPlateau"]) == ("0.030", "nan")
