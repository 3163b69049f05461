"""``ddi`` or ``python -m ddi``: index patterns, run the study, run benchmarks.

Nothing heavy is imported before a subcommand needs it, so that help is instant.
"""

import argparse
import codecs
import os
import sys

from ddi import __version__
from ddi.base.errors import DDIError


def main(argv=None):
    """Run one subcommand; return the exit code: 0 well, 1 failed, 2 told what to type."""
    _speak_plainly()
    args = _parser().parse_args(argv)
    try:
        return args.run(args)
    except DDIError as error:
        print(f"ddi: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if args.run not in (_study, _bench):
            raise
        said = f"needs {error.name}, which the base leaves out; in the repository's folder type:"
        print(f"ddi: {args.command} {said} python -m pip install '.[study,train]'", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("ddi: stopped; the same command resumes where it can", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read standard output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


_PLAIN = str.maketrans("αβγθÅ°²³⁻¹×√└─━│Δ", "abctAo23-1xV`--|D")


def _plain(error):
    """What is written for characters that an output's encoding lacks."""
    text = error.object[error.start : error.end].translate(_PLAIN)
    return text.encode("ascii", "replace").decode(), error.end


def _speak_plainly():
    """Let no character stop the output: a pipe may be in cp1252, a locale in ASCII."""
    codecs.register_error("ddi.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="ddi.plain")


def _parser():
    parser = argparse.ArgumentParser(
        prog="ddi", description="Data-driven indexing of powder diffraction patterns."
    )
    parser.add_argument("--version", action="version", version=f"ddi {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _add_index(commands)
    formats = commands.add_parser("formats", help="list the files that can be read")
    formats.set_defaults(run=_formats)
    _add_study(commands)
    _add_app(commands)
    bench = commands.add_parser("bench", help="list the benchmarks, or run one")
    bench.add_argument("name", nargs="?", metavar="NAME")
    bench.add_argument("--n", type=int, help="patterns or pairs, where a benchmark lets you choose")
    bench.add_argument("--simulated", action="store_true", help="simulated patterns (symbols)")
    bench.set_defaults(run=_bench)
    completion = commands.add_parser(
        "completion", help="print what a shell needs to complete commands, options and files"
    )
    completion.add_argument("shell", choices=["bash", "zsh", "tcsh"])
    completion.set_defaults(run=_completion)
    return parser


def _add_index(commands):
    from ddi.index.command import EPILOG, add_arguments  # the search is imported when it runs

    index = commands.add_parser(
        "index",
        help="index one or more patterns",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(index)
    index.set_defaults(run=_index)


def _add_app(commands):
    app = commands.add_parser("app", help="open the page for a browser: no commands to type")
    app.add_argument("--port", type=int, default=8866, metavar="N", help="default 8866")
    app.add_argument("--no-browser", action="store_true", help="only say where the page is")
    app.set_defaults(run=_app)


def _add_study(commands):
    study = commands.add_parser("study", help="run notebooks 01 to 11, resuming where they stopped")
    study.add_argument(
        "--profile",
        default="default",
        help="smoke, default, full, or your own notebooks/profiles/NAME.yml",
    )
    study.add_argument("--only", nargs="+", metavar="NN", help="only these, by number or name")
    study.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="other parameters, e.g. systems=orthorhombic n_test=50; into data/results/explore",
    )
    study.add_argument("--force", action="store_true", help="run also what is unchanged")
    study.add_argument("--list", action="store_true", help="say what would run, and why")
    study.add_argument(
        "--publish",
        action="store_true",
        help="after a complete default run: put the executed notebooks in place",
    )
    study.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="a Dask scheduler to compute on, e.g. tcp://10.0.0.1:8786",
    )
    study.set_defaults(run=_study)


def _index(args):
    from ddi.index.command import main as run

    return run(args)


def _formats(_args):
    from ddi.index import readers

    rows = [f"{name:<24s} {suffixes:<22s} {what}" for name, suffixes, what, *_ in readers.formats()]
    print("\n".join(dict.fromkeys(rows)))  # some have two signatures
    return 0


def _app(args):
    from ddi.study.serve import serve

    serve(args.port, not args.no_browser)
    return 0


def _study(args):
    if args.publish:
        from ddi.study.publish import publish

        print("published:", *publish())
        return 0
    from ddi.study.runner import run

    run(args.profile, args.only, args.force, args.cluster, changes=args.set, list_=args.list)
    return 0


def _completion(args):
    try:
        import shtab
    except ImportError as error:
        raise DDIError(
            "completion needs shtab: pip install shtab (the extra `completion`), then type "
            f'eval "$(ddi completion {args.shell})" or put that line into your shell\'s start file'
        ) from error
    parser = _parser()
    for action in _actions(parser):
        if action.metavar in ("FILE", "OUT"):
            action.complete = shtab.FILE
    print(shtab.complete(parser, args.shell))
    return 0


def _actions(parser):
    """Yield the arguments of a parser and of its subcommands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _bench(args):
    from ddi.bench.registry import benchmarks, run

    if args.name:
        return run(args.name, n=args.n, simulated=args.simulated or None)
    for name, entry in benchmarks().items():
        bound = "at least" if entry.better == "higher" else "at most"
        print(f"{name:12s} {bound} {entry.floor:<8g} {entry.about}")
    return 0
