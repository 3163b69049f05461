"""A cell handed on to a refinement: CIF, FullProf, TOPAS and GSAS-II files.

None of these holds atoms: they start a whole-pattern fit (Le Bail or Pawley) with the cell, the
zero shift, the wavelength and a space group. The group is the first of the likeliest extinction
class; where nothing is said of that, the lattice's own group without absences.
"""

from datetime import date
from pathlib import Path

import gemmi
import numpy as np

from ddi import __version__
from ddi.base.errors import DDIError
from ddi.base.files import atomic
from ddi.forward import lattice
from ddi.forward.bragg import two_theta
from ddi.forward.lines import KINDS
from ddi.index import extinction, setting
from ddi.index.comparison import cell_of, heights
from ddi.index.show import CELL_COLUMNS

PROFILE_REACH = 2.0  # degrees 2theta beyond the last peak that a fit is told to go


def write(result, path, rank=1):
    """Write one cell of a result; the suffix of `path` chooses the format.

    Parameters
    ----------
    result : ddi.index.result.Result
    path : str or Path
        .cif, .pcr (FullProf), .inp (TOPAS), .instprm or .pkslst (GSAS-II).
    rank : int
    """
    make = writer(path)
    if not len(result.cells):
        raise DDIError(
            f"there is no cell to write to {path}; result.message says what was searched"
        )
    text = make(result, result.cells.iloc[rank - 1])
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def writer(path):
    """Return the function that makes the text of a format."""
    suffix = Path(path).suffix.lower()
    if suffix not in _WRITERS:
        raise DDIError(f"{path}: no export ends in '{suffix}'; use {', '.join(_WRITERS)}")
    return _WRITERS[suffix]


def space_group(row):
    """Return the `gemmi.SpaceGroup` that stands for a row's likeliest extinction symbol."""
    wanted = row.extinction_symbols[0] if row.extinction_symbols else None
    known = extinction.classes(row.bravais)
    entry = next((entry for entry in known if entry.symbol == wanted), known[0])
    names = entry.space_groups
    return gemmi.SpaceGroup(f"{names[0]}:H" if row.bravais == "hR" else names[0])


def _needs_wavelength(result, what):
    if not result.peaks.wavelength:
        raise DDIError(f"{what} needs a wavelength; index with --wavelength, e.g. 1.540593")
    return result.peaks.wavelength


def cif(result, row):
    """Return a CIF with the cell and its s.u., the zero shift, the wavelength and the line list."""
    block = gemmi.cif.Document().add_new_block("ddi")
    names = [f"_cell_length_{name}" for name in "abc"]
    names += [f"_cell_angle_{name}" for name in CELL_COLUMNS[3:]]
    for key, name in zip([*names, "_cell_volume"], [*CELL_COLUMNS, "volume"]):
        block.set_pair(key, setting.with_su(row[name], row[f"{name}_su"]))
    group = space_group(row)
    block.set_pair("_audit_creation_method", gemmi.cif.quote(f"ddi {__version__}"))
    block.set_pair("_audit_creation_date", date.today().isoformat())
    block.set_pair("_space_group_name_H-M_alt", gemmi.cif.quote(group.xhm()))
    block.set_pair("_space_group_IT_number", str(group.number))
    note = (
        f"From {result.peaks.source}. Probability of the cell {row.probability:.2f}, "
        f"M20 {row.M20:.1f}, {row.n_indexed} of {row.n_peaks} peaks indexed. Extinction symbols: "
        f"{', '.join(row.extinction_symbols) or 'unknown'}; the space group is the first of them."
    )
    block.set_pair("_pd_proc_info_data_reduction", gemmi.cif.quote(note))
    if result.peaks.wavelength:
        block.set_pair("_diffrn_radiation_wavelength", f"{result.peaks.wavelength:.6f}")
        zero = setting.with_su(row.zero_shift, row.zero_shift_su)
        block.set_pair("_pd_calib_2theta_offset", zero)
    operations = block.init_loop("_space_group_symop_", ["operation_xyz"])
    for operation in group.operations():
        operations.add_row([gemmi.cif.quote(operation.triplet())])
    lines = result.hkl(row["rank"])
    loop = block.init_loop("_refln_", ["index_h", "index_k", "index_l", "d_spacing"])
    for line in lines[lines.indexed].drop_duplicates(["h", "k", "l"]).itertuples():
        loop.add_row([str(line.h), str(line.k), str(line.l), f"{line.d_calc:.5f}"])
    return block.as_string()


_FULLPROF = """\
COMM {name}: cell from ddi {version}; Le Bail fit
! Current global Chi2 (Bragg contrib.) =      1.000
!Job Npr Nph Nba Nex Nsc Nor Dum Iwg Ilo Ias Res Ste Nre Cry Uni Cor Opt Aut
   0   7   1   0   0   0   0   1   0   0   1   0   0   0   0   0   0   0   1
!Ipr Ppl Ioc Mat Pcr Ls1 Ls2 Ls3 NLI Prf Ins Rpa Sym Hkl Fou Sho Ana
   0   0   1   0   1   0   4   0   0   3  10   0   0   0   0   0   0
! Lambda1  Lambda2    Ratio    Bkpos    Wdt    Cthm     muR   AsyLim   Rpolarz
 {wavelength:.6f} {wavelength:.6f} 0.0000   40.000  8.0000  0.0000  0.0000   40.00    0.0000
!NCY  Eps  R_at  R_an  R_pr  R_gl     Thmin       Step       Thmax    PSD    Sent0
 10  0.10  1.00  1.00  1.00  1.00 {first:11.4f}   0.020000 {last:11.4f}   0.000   0.000
!
       1    !Number of refined parameters
!  Zero    Code    SyCos    Code   SySin    Code  Lambda     Code MORE
  {zero:.5f}    11.0  0.00000     0.0  0.00000     0.0 0.000000     0.00   0
!   Background coefficients/codes  (polynomial of 6th degree)
     100.000       0.000       0.000       0.000       0.000       0.000
       0.000       0.000       0.000       0.000       0.000       0.000
!-------------------------------------------------------------------------------
!  Data for PHASE number:   1  ==> Current R_Bragg for Pattern#  1:     0.00
!-------------------------------------------------------------------------------
{name}
!
!Nat Dis Ang Pr1 Pr2 Pr3 Jbt Irf Isy Str Furth       ATZ    Nvk Npr More
   0   0   0 0.0 0.0 1.0   2   0   0   0   0          0.00   0   7   0
!
{group:<20s} <--Space group symbol
!-------> Profile Parameters for Pattern #  1
!  Scale        Shape1      Bov      Str1      Str2      Str3   Strain-Model
  1.0000       0.00000   0.00000   0.00000   0.00000   0.00000       0
     0.00000     0.000     0.000     0.000     0.000     0.000
!       U         V          W           X          Y        GauSiz   LorSiz Size-Model
   0.010000  -0.010000   0.010000   0.010000   0.000000   0.000000   0.000000    0
      0.000      0.000      0.000      0.000      0.000      0.000      0.000
!     a          b         c        alpha      beta       gamma      #Cell Info
{cell}
    0.00000    0.00000    0.00000    0.00000    0.00000    0.00000
!  Pref1    Pref2      Asy1     Asy2     Asy3     Asy4
  0.00000  0.00000  0.00000  0.00000  0.00000  0.00000
     0.00     0.00     0.00     0.00     0.00     0.00
!  2Th1/TOF1    2Th2/TOF2  Pattern to plot
{first:12.3f} {last:12.3f}       1
"""


def fullprof(result, row):
    """Return a FullProf control file (.pcr) for a Le Bail fit of one phase."""
    about = _measurement(result, row, "a FullProf file")
    cell = " ".join(f"{value:10.5f}" for value in cell_of(row))
    return _FULLPROF.format(**about, group=space_group(row).hm, cell=cell)


def _measurement(result, row, what):
    """What control files of refinement programs say of the pattern."""
    wavelength = _needs_wavelength(result, what)
    first, last = _range(result)
    return {
        "name": _stem(result),
        "version": __version__,
        "wavelength": wavelength,
        "first": first,
        "last": last,
        "zero": float(row.zero_shift) if np.isfinite(row.zero_shift) else 0.0,
    }


_TOPAS = """\
' Cell from ddi {version}; Pawley fit; xdd names the measured pattern
iters 100
do_errors
xdd "{name}.xy"
   start_X {first:.3f}
   finish_X {last:.3f}
   bkg @ 0 0 0 0 0 0
   Zero_Error(zero, {zero:.5f})
   LP_Factor(0)
   lam ymin_on_ymax 0.0001 la 1 lo {wavelength:.6f} lh 0.1
   hkl_Is
      phase_name "{name}"
      space_group "{group}"
{cell}
      PV_Peak_Type(ha, 0.05, hb, 0.05, hc, 0.001, la, 0.5, lb, 0, lc, 0)
"""


def topas(result, row):
    """Return a TOPAS input file (.inp) for a Pawley fit; what the lattice ties shares a name."""
    about = _measurement(result, row, "a TOPAS file")
    copies = lattice.SYSTEM[KINDS[row.bravais].system].copies
    cell = []
    for keyword, name, source in zip(("a", "b", "c", "al", "be", "ga"), CELL_COLUMNS, copies):
        parameter = f" lp_{CELL_COLUMNS[source]}" if source >= 0 else ""
        cell.append(f"      {keyword}{parameter} {row[name]:.5f}")
    group = space_group(row).hm.replace(" ", "")
    return _TOPAS.format(**about, group=group, cell="\n".join(cell))


def _stem(result):
    """The name of the file that was read, without folder and suffix."""
    return Path(result.peaks.source.split(":")[0]).stem


_INSTPRM = """\
#GSAS-II instrument parameter file; made by ddi {version}
Type:PXC
Bank:1.0
Lam:{wavelength:.6f}
Zero:{zero:.5f}
Polariz.:0.5
Azimuth:0.0
U:2.0
V:-2.0
W:5.0
X:0.0
Y:0.0
Z:0.0
SH/L:0.002
"""


def instprm(result, row):
    """Return GSAS-II instrument parameters (.instprm); the cell goes to GSAS-II as a CIF."""
    return _INSTPRM.format(**_measurement(result, row, "a GSAS-II instrument file"))


def pkslst(result, _row):
    """Return the peaks as a GSAS-II list (.pkslst): observed 2theta and intensities."""
    wavelength = _needs_wavelength(result, "a GSAS-II peak list")
    peaks = result.peaks
    angles = two_theta(peaks.q2, wavelength)
    head = [f"#GSAS-II PWDR peaks list file; wavelength = {wavelength:.6f}"]
    rows = [
        f"[{angle:.5f}, False, {height:.3f}, False, 5.0, False, 1.0, False]"
        for angle, height in zip(angles, heights(peaks))
    ]
    return "\n".join([*head, *rows, ""])


def _range(result):
    """First and last angle of a fit in degrees 2theta: the pattern's, or round the peaks."""
    if result.peaks.pattern is not None:
        return result.peaks.pattern[0][0], result.peaks.pattern[0][-1]
    angles = two_theta(result.peaks.q2, result.peaks.wavelength)
    return max(angles[0] - PROFILE_REACH, 1.0), min(angles[-1] + PROFILE_REACH, 179.0)


_WRITERS = {
    ".cif": cif,
    ".pcr": fullprof,
    ".inp": topas,
    ".instprm": instprm,
    ".pkslst": pkslst,
}
