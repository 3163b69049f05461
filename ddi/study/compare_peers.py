"""Other programs beside this one: the table of 10_rruff_eval and its numbers."""

import re

import pandas as pd

from ddi.base.errors import DDIError
from ddi.study import kept_runs, peers


def table(study, programs, cases, unknown, *, seed):
    """Give other programs the same twenty positions; of a program that is not asked for or not
    installed, the outcomes kept from the full profile on the same positions are judged.

    Raises
    ------
    DDIError
        If there is no such program.

    Returns
    -------
    DataFrame
        From `ddi.study.peers.ranked`; empty if no program ran and nothing was kept.
    """
    if wrong := set(programs) - set(peers.PEERS):
        raise DDIError(f"there is no peer {min(wrong)!r}; programs: {', '.join(peers.PEERS)}")
    parts = []
    earlier = kept_runs.kept(study, peers.KEPT)
    for name, peer in peers.PEERS.items():
        runs = name in programs and peers.python_of(name)
        part = peers.run(name, cases) if runs else peers.kept(earlier, name, cases)
        how = "run now" if runs else f"{len(part)} outcomes kept from the full profile"
        missing = name in programs and not runs
        print(f"{name}: {how}." + (f" Not installed; {peer.install}" if missing else ""))
        parts.append(part)
    theirs = pd.concat([part for part in parts if len(part)] or parts[:1])
    theirs.to_csv(study.results / "10_peers.csv", index=False, float_format="%.4g")
    if theirs.empty:
        return theirs
    asked = [case for case in cases if case.id in set(theirs["id"])]
    return peers.ranked(theirs, peers.ours(asked, seed=seed), unknown)


def numbers(compared):
    """Return rates of `table` in per cent, with intervals, and n: PeerFoxFirst, PeerFoxPatterns and
    so on; of this work on the same patterns as the first program, PeerOursFirst (the same twenty
    positions) and PeerOursAllFirst (whole pattern), on those of the programs below it
    PeerOursBesideFirst and PeerOursAllBesideFirst.
    """
    numbers = {"PeerPatterns": int(compared.n.iloc[0]) if len(compared) else "--"}
    ours = iter(("Ours", "OursAll", "OursBeside", "OursAllBeside"))
    for row in compared.to_dict("records"):
        name = re.sub("[^A-Za-z]", "", row["program"].title())
        name = next(ours, None) if name == "ThisWork" else name
        if name:
            numbers[f"Peer{name}Patterns"] = int(row["n"])
        for column in ("first", "ten") if name else ():
            low, high = row[f"{column}_low"], row[f"{column}_high"]
            rate = f"{100 * row[column]:.0f} % ({100 * low:.0f}-{100 * high:.0f})"
            numbers[f"Peer{name}{column.title()}"] = rate
    return numbers
