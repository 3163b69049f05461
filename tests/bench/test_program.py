"""The batch whose memory is watched: no two lists alike, every Bravais lattice, both units."""

from ddi.bench import program
from ddi.forward.systems import BRAVAIS


def test_a_batch_has_lists_of_every_kind_from_its_first_hundred_on():
    first = list(program._batch(program.N_WARM))
    assert {options["lattice"] for _, options in first} == {"all", *BRAVAIS}
    assert {options["unit"] for _, options in first} == {"2theta", "d"}
    lengths = {len(peaks) for peaks, _ in first}
    assert min(lengths) >= 8 and len(lengths) > 25
    assert len({float(peaks[0]) for peaks, _ in first}) == len(first)
