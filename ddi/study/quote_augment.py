"""The numbers that 04_augment quotes beside its tables and figures, and in the paper.

Each function takes a table of `ddi.study.draw_augment` and returns macro name -> value.
"""

import numpy as np

from ddi.data.constants import DATA

LENGTH, SPREAD = "mean length / Å", "spread of lengths / Å"


def scales(table):
    """Quote between which values the mean length and its spread lie, by lattice system."""
    return {
        "ScaleLengthLeast": f"{table[LENGTH].min():.1f}",
        "ScaleLengthMost": f"{table[LENGTH].max():.1f}",
        "ScaleSpreadLeast": f"{table[SPREAD].min():.1f}",
        "ScaleSpreadMost": f"{table[SPREAD].max():.1f}",
    }


def counts(table, budget):
    """Quote how many children are made, of how many that the budget of rows allows."""
    return {
        "AugmentReal": int(table["real"].sum()),
        "AugmentAsked": int(table["children asked"].sum()),
        "AugmentChildren": int(table["children made"].sum()),
        "AugmentParents": int(table["parents"].sum()),
        "AugmentAtMost": DATA.children,
        "AugmentBudget": budget,
        "AugmentSystems": len(table),
    }


def perturbations(drawn):
    """Quote how the first and the last free parameter go together, among training entries and in
    each perturbation, from the data of the figure: PerturbRandom ...
    """
    found = {}
    for method, rows in drawn.groupby("method"):
        name = "Perturb" + method.split()[0].title()
        found[name] = f"{np.corrcoef(rows['first'], rows['last'])[0, 1]:.2f}"
    return found


def acceptance(table):
    """Quote how the two curves of the share of lines seen fit, over all lattice systems."""
    return {
        "AcceptanceDegenerate": int((table["degenerate"] == "yes").sum()),
        "AcceptancePlateau": f"{table['plateau'].median():.2f}",
        "AcceptanceMisfit": f"{table['misfit'].median():.2f}",
        "AcceptancePlateauMisfit": f"{table['plateau: misfit'].median():.2f}",
    }


def forms(table):
    """Quote the mean distance of resampled separations, by the form of the acceptance."""
    apart = table.groupby("acceptance")["KS of separations"].mean()
    names = {"Written": "as written", "Plateau": "plateau fitted", "Binned": "binned fraction"}
    return {f"FormKs{name}": f"{apart.get(form, np.nan):.3f}" for name, form in names.items()}


def distances(table):
    """Quote the mean distance of resampled parents and of children from the real parents, from
    `ddi.study.draw_augment.distances_of`.
    """
    ks = table.groupby(["compared", "feature"])["ks"].mean()
    return {
        "ResampledKsSeparation": f"{ks.get(('resampled', 'separation'), np.nan):.3f}",
        "AugmentedKsSeparation": f"{ks.get(('augmented', 'separation'), np.nan):.3f}",
        "AugmentedKsVolume": f"{ks.get(('augmented', 'volume'), np.nan):.3f}",
    }
