"""The numbers that 01_qc and 02_dedup quote beside their tables and figures, and in the paper.

Each function takes what the notebook shows and returns macro name -> value; shares are in per cent.
A macro of one source has its label in its name (QcAMCSDAtoms), so that a run without the source
quotes nothing of it.
"""

import numpy as np

from ddi.data import dedup, qc
from ddi.data.constants import DATA
from ddi.study.draw_data import enough_lines
from ddi.study.figures import SOURCE_LABELS
from ddi.study.tables import hermann_mauguin


def sources(overview):
    """Quote how large the median crystal of each source is, from `ddi.study.qc_tables.overview`."""
    found = {}
    for row in overview.to_dict("records"):
        name = _of("Qc", row["source"])
        found |= {f"{name}Atoms": row["median atoms"], f"{name}Volume": row["median volume / Å³"]}
    return found


def rejections(verdicts):
    """Quote what the rules reject, all sources together and each by itself."""
    broken = verdicts[list(qc.RULES)[:-1]].ne("").any(axis=1)
    found = {
        "QcRead": f"{len(verdicts):,}",
        "QcRejected": int((~verdicts.accepted).sum()),
        "QcAcceptedPercent": f"{100 * verdicts.accepted.mean():.1f}",
        "QcRulesZeroToSix": int(broken.sum()),
        "QcRulesZeroToSixPercent": f"{100 * broken.mean():.2f}",
        "QcVolumeLimit": f"{DATA.volume_per_atom:g}",
    }
    for source, group in verdicts.groupby("source"):
        name = _of("Qc", source)
        found |= {
            f"{name}RuleSevenPercent": f"{100 * (group[qc.LAST] != '').mean():.1f}",
            f"{name}VolumePerAtom": f"{group.volume_per_atom.median():.1f}",
        }
    return found


def systems(counts):
    """Quote each source's most frequent crystal system, from `ddi.study.qc_tables.by_system`."""
    found = {"QcAccepted": f"{counts.drop(columns='system').to_numpy().sum():,}"}
    for source in counts.columns[1:]:
        first = counts.loc[counts[source].idxmax()]
        found[_of("Qc", source) + "System"] = first.system
        found[_of("Qc", source) + "SystemPercent"] = _percent(first[source], counts[source].sum())
    return found


def sample(verdicts):
    """Quote what passes of a sample of the COD mirror."""
    return {
        "CodSample": len(verdicts),
        "CodSampleAccepted": int(verdicts.accepted.sum()),
        "CodSampleRuleSeven": int((verdicts[qc.LAST] != "").sum()),
    }


def duplicates(found, linked, kept):
    """Quote how many entries are unique under each definition.

    Parameters
    ----------
    found, linked : dict
        By definition: clusters (`ddi.data.dedup.clusters`), numbers of single-link clusters.
    kept : DataFrame
        The clusters of the definition in use.
    """
    quoted = {
        "DedupEntries": len(kept),
        "DedupUniqueOneAtom": int(found[dedup.STRICTER].kept.sum()),
        "DedupUniqueSameComposition": int(found["same composition"].kept.sum()),
        "DedupUniqueSingleLink": len(np.unique(linked[dedup.STRICTER])),
        "DedupLargestCluster": int(kept.cluster_size.max()),
    }
    for source, rows in kept.groupby("source"):
        quoted[_of("DedupRepeated", source)] = f"{100 * (1 - rows.kept.mean()):.0f}"
    return quoted


def growth(grown):
    """Quote how the pairs compared per entry grow with a synthetic database."""
    last = grown[grown.n == grown.n.max()].set_index("database").per_entry
    first = grown[grown.n == grown.n.min()].set_index("database").per_entry
    return {
        "DedupScalingEntries": f"{grown.n.max():,}",
        "DedupScalingTimes": f"{grown.n.max() / grown.n.min():.0f}",
        "DedupScalingPairsNew": f"{last['new crystals']:.0f}",
        "DedupScalingPairsAgain": f"{last['the same again']:.0f}",
        "DedupScalingRatio": f"{(last / first).max():.1f}",
    }


def largest(clusters):
    """Quote the crystal measured most often, from `ddi.study.draw_data.largest_clusters`."""
    first = clusters.iloc[0]
    name = first["cell contents"] if first["name"] == "–" else first["name"]
    return {"DedupLargestName": name, "DedupLargestGroup": hermann_mauguin(first["space group"])}


def lines(data):
    """Quote how many entries have lines enough, and the share of allowed lines that are seen."""
    enough = enough_lines(data)
    pairs = [(a, b) for a, b in zip(data.q2_1, data.q2_2) if len(b) and b[-1] <= a[-1]]
    seen = [np.isin(b, a).sum() / max(np.searchsorted(a, b[-1], "right"), 1) for a, b in pairs]
    return {
        "DatasetRows": len(data),
        "DatasetEnoughSixty": int(enough[60].sum()),
        "DatasetEnoughNinety": int(enough[90].sum()),
        "DatasetObservedPercent": f"{100 * np.mean(seen):.0f}" if seen else "--",
    }


def composition(data):
    """Quote the commonest and the rarest Bravais lattice, and the commonest space group."""
    lattices = data.bravais.value_counts()
    groups = data.sg_number.value_counts()
    return {
        "DatasetCommonestLattice": lattices.index[0],
        "DatasetCommonestLatticePercent": _percent(lattices.iloc[0], len(data)),
        "DatasetRarestLattice": lattices.index[-1],
        "DatasetRarestLatticeEntries": int(lattices.iloc[-1]),
        "DatasetCommonestGroup": int(groups.index[0]),
        "DatasetCommonestGroupPercent": _percent(groups.iloc[0], len(data)),
    }


def reindexed(checked):
    """Quote how many rows are the same in both settings, from `ddi.forward.settings.check_rows`."""
    return {
        "ReindexedRowsChecked": len(checked),
        "ReindexedRowsExact": int(checked.exact.sum()),
        "ReindexedRowsNamed": int(checked.symbol.sum()),
        "ReindexedLargestPercent": f"{100 * checked.error.max():.2g}",
    }


def _of(begin, source):
    return begin + SOURCE_LABELS.get(source, source).replace(" ", "")


def _percent(part, whole):
    return f"{100 * part / max(whole, 1):.0f}"
