"""The page of results: every figure beside its bound, with plots, made from the reports that are kept."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.report import Figure, Report, bound_of, number

RESULTS: Final = Path(__file__).parent / "results"
FIGURES: Final = RESULTS / "figures"
NOTES: Final = RESULTS / "notes"
PAGE: Final = RESULTS / "README.md"
HEAD: Final = """# Results

Made by `python -m benchmarks` (`make bench`, one by `make bench-NAME`) from the reports in [figures](figures); what
each measures is said in [docs/benchmarks.md](../../docs/benchmarks.md). All times are of one machine on which broker,
store, the system, the load and the measuring share the cores: compare figures only with what stands beside them.

![How far each figure reaches its bound](reach.svg)
"""

TABLE: Final = """| figure | measured | bound | met | against |
|---|---|---|---|---|
"""


def keep(said: str) -> bool:
    """Keep a benchmark's report, the last line of what it printed; False where that is none."""
    try:
        report = msgspec.json.decode(said.rstrip("\n").rpartition("\n")[2], type=Report)
    except msgspec.DecodeError:
        return False
    FIGURES.mkdir(parents=True, exist_ok=True)
    data = msgspec.json.format(msgspec.json.encode(report), indent=1)
    (FIGURES / f"{report.benchmark}.json").write_bytes(data + b"\n")
    return True


def kept(names: Iterable[str]) -> list[Report]:
    """The reports that there are, in this order."""
    paths = [FIGURES / f"{name}.json" for name in names]
    return [msgspec.json.decode(path.read_bytes(), type=Report) for path in paths if path.exists()]


def write(names: Iterable[str]) -> None:
    """Make the page and its plots."""
    reports = kept(names)
    if not reports:
        return
    plot_reach([(report.benchmark, one) for report in reports for one in report.figures if one.bound], "reach.svg")
    parts = [HEAD]
    for report in reports:
        parts.append(f"\n## {report.benchmark}\n\n{report.machine}; {report.date}, commit {report.commit}, ")
        parts.append(
            f"load {report.load_average:g}\n\n| figure | measured | bound | met | against |\n|---|---|---|---|---|\n"
        )
        parts += [row_of(one) for one in report.figures]
        note = NOTES / f"{report.benchmark}.md"
        if note.exists():
            parts.append("\n" + note.read_text(encoding="utf-8"))
        for place, series in enumerate(report.details.get("series", ())):
            name = f"{report.benchmark}-{place}.svg"
            plot_series(series, name)
            parts.append(f"\n![{series['title']}]({name})\n")
    PAGE.write_text("".join(parts), encoding="utf-8")


def row_of(one: Figure) -> str:
    """A figure's line of the table."""
    met = {None: "", True: "yes", False: "**no**"}[one.met]
    bound = bound_of(one) or (f"goal {number(one.goal)}" if one.goal is not None else "")
    return f"| {one.name} | {number(one.value)} {one.unit} | {bound} | {met} | {one.against} |\n"


def reach(one: Figure) -> float:
    """How many times as good as its bound a figure is."""
    assert one.bound
    return one.bound / one.value if one.sense == "at most" else one.value / one.bound


def plot_reach(figures: list[tuple[str, Figure]], name: str) -> None:
    """A bar a figure: to the right of 1 its bound is kept."""
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(figsize=(9, 0.6 + 0.24 * len(figures)))
    told = [(f"{benchmark}: {one.name}", max(reach(one), 1e-2)) for benchmark, one in reversed(figures)]
    colours = ["#2a7f62" if value >= 1.0 else "#b5442e" for _, value in told]
    axes.barh([label for label, _ in told], [value - 1.0 for _, value in told], left=1.0, color=colours)
    axes.set_xscale("log")
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_xlabel("times as good as the bound")
    axes.tick_params(axis="y", labelsize=7)
    _save(figure, name)


def plot_series(series: dict[str, Any], name: str) -> None:
    """Lines over x, with the words that the benchmark gave them."""
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(figsize=(6, 3.2))
    for label, values in series["y"].items():
        axes.plot(series["x"], values, marker="o", label=label)
    if series.get("log"):
        axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(series["xlabel"])
    axes.set_ylabel(series["ylabel"])
    axes.set_title(series["title"], fontsize=9)
    axes.legend(fontsize=8)
    _save(figure, name)


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "coldspring"  # the same figures give the same file
    from matplotlib import pyplot as plt

    return plt


def _save(figure: Any, name: str) -> None:
    figure.tight_layout()
    figure.savefig(RESULTS / name, metadata={"Date": None})
    _pyplot().close(figure)
