"""What generators cost and give: memory, seconds an epoch, best of thirty."""

import time

import numpy as np

from ddi.bench.registry import benchmark


def resident():
    """Return this process's resident memory in MiB."""
    import psutil

    return psutil.Process().memory_info().rss / 2**20


def toy(n=600, seed=0):
    """Return scaled peaks (n, 20) and cells (n, 6) with something to learn."""
    x = np.random.default_rng(seed).standard_normal((n, 20)).astype(np.float32)
    return x, np.tanh(x[:, :6])


def gained(n_models, warm=1):
    """Train models of two phases each in one process; return the MiB gained after the first few."""
    from ddi.models.trainer import trainer
    from ddi.models.variance import Design

    design = Design()
    start = 0.0
    step = trainer(design)
    mask = np.ones(6, dtype=np.float32)
    for model in range(n_models + warm):
        if model == warm:
            start = resident()
        rng = np.random.default_rng(model)
        step.weights.assign(design.initial(rng))
        for phase in ("mean", "variance"):
            step.run(phase, *toy(seed=model), mask, 2, rng)
    return resident() - start


def gained_by_compiling(n_models, cycles=5):
    """Compile a Keras model anew for each phase (section 2.2.2, its italics); return the MiB gained
    a model.
    """
    keras = _keras()
    start = 0.0
    for model in range(n_models + 1):
        if model == 1:
            start = resident()
        network = _plain_network(keras)
        for _ in range(2 * cycles):
            network.compile(optimizer=keras.optimizers.Adam(1e-4), loss="mse")
            network.fit(*toy(seed=model), batch_size=64, epochs=1, verbose=0)
    return (resident() - start) / n_models


def memory_table(n_models=20, n_compiled=2):
    """Return what `bench_memory` measures as a table: the shared step, then compilation."""
    import pandas as pd

    shared = gained(n_models, warm=2)
    compiled = gained_by_compiling(n_compiled)
    rows = [
        ("one shared training step", n_models, shared, shared / n_models),
        ("compiled for each phase", n_compiled, compiled * n_compiled, compiled),
    ]
    return pd.DataFrame(rows, columns=["how", "models", "MiB gained", "MiB a model"])


def _keras():
    import keras

    return keras


def _plain_network(keras):
    """The mean, alpha and beta networks of section 2.2.2 as one Keras model with concatenated
    outputs.
    """
    layers = keras.layers
    peaks = keras.Input((20,))
    heads = []
    for units in ((200, 100, 60), (100, 60), (100, 60)):
        values = peaks
        for n in units:
            values = layers.Dropout(0.5)(
                layers.Activation("gelu")(layers.LayerNormalization()(layers.Dense(n)(values)))
            )
        heads.append(layers.Dense(6)(values))
    return keras.Model(peaks, layers.Add()(heads))


@benchmark(
    "memory",
    floor=60,
    better="lower",
    about="MiB gained while 20 variance networks are trained; compiling each beside it",
)
def bench_memory():
    """Twenty models by the shared step, two by compilation."""
    shared, compiled = memory_table().to_dict("records")
    return {
        "value": shared["MiB gained"],
        "unit": "MiB",
        "n": 20,
        "compiled_mib_a_model": compiled["MiB a model"],
    }


@benchmark(
    "train",
    floor=1.0,
    better="lower",
    about="seconds an epoch of 5,000 entries, as a share of a plain Keras fit in the same run",
)
def bench_train():
    """Best of five epochs each, so that other work on the machine counts little."""
    from ddi.models.trainer import trainer
    from ddi.models.variance import Design

    keras = _keras()
    (x, y) = toy(5000)
    network = _plain_network(keras)
    step = trainer(Design())
    rng = np.random.default_rng(0)
    network.compile(optimizer=keras.optimizers.Adam(1e-4), loss="mse")
    ours = _best(lambda: step.run("both", x, y, np.ones(6, dtype=np.float32), 1, rng))
    theirs = _best(lambda: network.fit(x, y, batch_size=64, epochs=1, verbose=0))
    return {
        "value": ours / theirs,
        "unit": "x",
        "n": 5,
        "seconds_an_epoch": ours,
        "keras_seconds_an_epoch": theirs,
    }


def _best(work, repeats=5):
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def _test_rows(study, system, n):
    """About n test entries of a lattice system, spread evenly over them."""
    from ddi.data import dataset

    test = dataset.test(study, system)
    return test.iloc[:: max(1, len(test) // n)].reset_index(drop=True)


@benchmark(
    "generators",
    floor=1.5,
    about="shape's best of 30 within 5 % over the better of forest and network; the less of "
    "orthorhombic and monoclinic",
)
def bench_generators(profile="default", n_test=100):
    """Every generator and control on test entries without lattice analogues in training."""
    from ddi.base.errors import DDIError
    from ddi.base.paths import Study
    from ddi.data import dataset
    from ddi.forward import lattice
    from ddi.models.cells import usable_cells
    from ddi.study import eval_generators
    from ddi.study.eval_generators import best_of_n

    study = Study(profile)
    rates = {}
    gains = []
    n = 0
    for system in lattice.SYSTEMS:
        train = dataset.training(study, system)
        test = _test_rows(study, system, n_test)
        models = eval_generators.available(study, system, train) if len(train) else {}
        if not len(test) or not {"forest", "network", "shape"} <= set(models):
            raise DDIError(
                f"no trained generators for {system} in {study.models}; "
                f"run notebooks 01 to 06 of the {profile} profile"
            )
        cells = eval_generators.draw(models, test, system, 30, 1)
        true = usable_cells(test, system)
        rates[system] = {
            name: float(best_of_n(value, true, [0.05], [30])["rate"].iloc[0])
            for name, value in cells.items()
        }
        n += len(test)
        if system in ("orthorhombic", "monoclinic"):
            gains.append(
                rates[system]["shape"]
                / max(rates[system]["forest"], rates[system]["network"], 1 / len(test))
            )
    return {"value": min(gains), "unit": "x", "n": n, "best_of_30": rates}


@benchmark(
    "scale_free",
    floor=0.8,
    about="template network as shipped, raw draws, best of 30 within 5 %, orthorhombic; the other "
    "systems, other scale-free generators, draws a second and equal seconds beside it",
)
def bench_scale_free(profile="default", n_test=200, milliseconds=1.0):
    """Raw draws on test entries without relatives in training, at thirty draws a pattern and at
    equal CPU time a pattern.
    """
    from ddi.base.paths import Study
    from ddi.forward import lattice

    study = Study(profile)
    rates = {}
    timed = {}
    speeds = {}
    n = 0
    for system in lattice.SYSTEMS:
        test = _test_rows(study, system, n_test)
        for name, draw in _raw_generators(study, system).items():
            best, within, speed = _raw_rates(draw, test, system, milliseconds)
            rates.setdefault(name, {})[system] = best
            timed.setdefault(name, {})[system] = within
            speeds.setdefault(name, {})[system] = speed
        n += len(test)
    return {
        "value": rates["template_network, shipped"]["orthorhombic"],
        "unit": "share",
        "n": n,
        "best_of_30": rates,
        f"within_{milliseconds:g}_ms": timed,
        "draws_per_second": speeds,
    }


def _raw_generators(study, system):
    """Name -> ``(q2, n) -> cells`` of what compares no draw with the peaks."""
    from ddi.base.errors import DDIError
    from ddi.data import dataset
    from ddi.study.eval_generators import available

    models = available(study, system, dataset.training(study, system))
    if "template_network, shipped" not in models:
        raise DDIError(f"no shipped template network that may be tested on {system} entries")
    names = ("template_network, shipped", "template_network", "scale_free", "nearest", "rescaled")
    found = {name: models[name].pooled for name in names if name in models}
    if "shape" in models:
        rng = np.random.default_rng(1)
        found["shape, draws only"] = lambda q2, n: models["shape"].propose(q2, n, rng)
    return found


def _raw_rates(draw, test, system, milliseconds, most=200):
    """Return the best of 30 within 5 %, the same of the draws made in a CPU time a pattern (at most
    `most`), and draws a second a core, a thousand patterns at once.
    """
    from ddi.models.cells import pattern_matrix, usable_cells
    from ddi.study.eval_generators import cell_error

    q2 = pattern_matrix(test, system)
    near = cell_error(draw(q2, most), usable_cells(test, system)) <= 0.05
    many = np.repeat(q2, 1 + 1000 // len(q2), axis=0)[:1000]
    start = time.process_time()
    draw(many, 30)
    speed = 30_000 / (time.process_time() - start)
    count = int(np.clip(speed * milliseconds / 1000, 1, most))
    best = float(near[:, :30].any(axis=1).mean())
    return best, float(near[:, :count].any(axis=1).mean()), round(speed)
