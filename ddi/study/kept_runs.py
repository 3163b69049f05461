"""Long runs that were made once and are kept in data/results/full; the commands are in
data/README.md. Two of them are shown here: the ablation of the variance network over eight seeds
and the search for settings with forty trials, both with families held out (07_rf_vs_nn).
"""

import pandas as pd

from ddi.study import draw_networks

ABLATION = "07_ablation"
SETTINGS = "05_settings_reduced"


def kept(study, name, **reading):
    """Return a kept table (DataFrame), empty if there is none; `reading` as of pandas.read_csv."""
    path = study.root / "data" / "results" / "full" / f"{name}.csv"
    return pd.read_csv(path, **reading) if path.exists() else pd.DataFrame()


def made_or_kept(study, name, make, wanted):
    """Return a long run's table: made now and written, if it is wanted, else the kept one."""
    if not wanted:
        return kept(study, name)
    table = make()
    table.to_csv(study.results / f"{name}.csv", index=False, float_format="%.5g")
    return table


def minutes(runs):
    """Return the minutes of CPU that the fits of a kept table took."""
    return runs["cpu_seconds"].sum() / 60


def ablation_table(effects):
    """Return the changes when an ingredient is taken away, with 95 % half-widths, for people: NLL
    an entry and the best of thirty cells within ten per cent.
    """
    rates = 100 * effects["within_10"]
    return pd.DataFrame(
        {
            "lattice system": effects["system"],
            "without": effects["design"].replace("reference", "nothing"),
            "seeds": effects["seeds"],
            "entries": effects["entries"],
            "NLL": effects["nll"].map("{:.2f}".format),
            "change of NLL": draw_networks.changes(effects, "nll"),
            "within 10 % / %": rates.map("{:.1f}".format),
            "change / points": _points(effects),
        }
    )


def _points(effects):
    """Paired changes of the share within ten per cent, in points, empty for the reference."""
    changes = zip(100 * effects["within_10_change"], 100 * effects["within_10_half_width"])
    return [f"{mean:+.1f} ± {half:.1f}" if half > 0 else "" for mean, half in changes]


def settings_table(trials):
    """Return the best settings of each system's search and the write-up's, for people."""
    table = draw_networks.settings_table(trials)
    return table.assign(**{"within 10 %": (100 * table["within 10 %"]).map("{:.0f} %".format)})


def numbers(effects, runs, trials):
    """Return what the sentences and the supplement quote of both runs."""
    found = {
        f"Families{name}": text for name, text in draw_networks.ablation_numbers(effects).items()
    }
    found |= {"FamiliesSeeds": int(runs["seed"].nunique()), "FamiliesFits": len(runs)}
    found |= {"FamiliesMinutes": f"{minutes(runs):.0f}"}
    found |= {"FortyTrials": len(trials), "FortyMinutes": f"{minutes(trials):.0f}"}
    for system, rows in trials.groupby("system"):
        rows = rows.sort_values("trial", kind="stable")
        word = f"Forty{system.title()}"
        best = rows.loc[rows["nll"].idxmin()]
        found[f"{word}Written"] = f"{rows['nll'].iloc[0]:.2f}"
        found[f"{word}Best"] = f"{best['nll']:.2f}"
        found[f"{word}Dropout"] = f"{best['dropout']:g}"
    return found
