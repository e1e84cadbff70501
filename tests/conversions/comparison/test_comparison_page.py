from xml.etree import ElementTree

import numpy as np

from conversions.comparison.comparison_figures import (
    accuracy_figure,
    agreement_figure,
    confusion_figure,
    energy_figure,
    network_figure,
    raster_figure,
)
from conversions.comparison.comparison_page import comparison_page, write_comparison
from conversions.comparison.model_comparison import compare
from conversions.comparison.presentation import rows, sentences
from conversions.execution import Executor
from conversions.report_pages.figures import drawn
from hw_models import LOIHI1
from ssdp_neuro.plot.style import outside_pyplot


def test_write_comparison__holds_table_figures_and_runs(integer_file, digits, tmp_path):
    _, test = digits
    found = compare(integer_file, test, n_samples=70, seeds=2)
    write_comparison(tmp_path / "report.html", found)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("<svg") == 7
    assert f"{100 * found.accuracies(Executor.ENGINE).mean():.2f} %" in text
    assert f"{integer_file} on drawing 1" in text


def test_write_comparison__says_of_what_it_was_made(model_file, digits, tmp_path):
    import hashlib
    from importlib import metadata

    validation, test = digits
    found = compare(
        model_file,
        test,
        n_samples=30,
        seeds=[0, 4],
        calibration=validation,
        chip=LOIHI1,
        circumstances={"config": "run.toml <1>", "data": "digits, rate"},
    )
    write_comparison(tmp_path / "report.html", found)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    spikes = [np.packbits(test.spikes(np.arange(30), epoch=e).reshape(30, -1), 1) for e in (0, 4)]
    whole = b"".join([*(s.tobytes() for s in spikes), test.labels[:30].astype("<i8").tobytes()])
    for words in (
        hashlib.sha256(model_file.read_bytes()).hexdigest(),
        hashlib.sha256(whole).hexdigest(),
        f"30 of {len(test)}, 6 steps of 64 inputs, 10 classes",
        "<dd>0, 4</dd>",
        f"<dd>{min(256, len(validation))} samples</dd>",
        f"<dd>{LOIHI1.name}</dd>",
        "run.toml &lt;1&gt;",
        "digits, rate",
        *(f"{n} {metadata.version(n)}" for n in ("ssdp-neuro", "torch", "numpy", "numba")),
    ):
        assert words in text, words


def test_figures__show_the_accuracy_of_the_same_samples_or_none(model_file, digits, tmp_path):
    _, test = digits
    found = compare(model_file, test, n_samples=40, seeds=2, lava_samples=7)
    with outside_pyplot():
        axes = accuracy_figure(found)
        legend = agreement_figure(found, found.spike_agreement).get_legend()
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert names == ["PyTorch, real numbers", "engine"]
    assert axes.get_xlim() == (0, 100)
    assert "Lava (14 of 80 samples)" in [text.get_text() for text in legend.get_texts()]
    page = comparison_page(found)
    assert "All on the same 80 samples." in page
    assert "Lava ran fewer samples: not shown." in page
    engine = [run.parts[Executor.ENGINE].decisions[:7] == test.labels[:7] for run in found.runs]
    share = float(np.mean(engine))
    assert found.engine_accuracy(Executor.LAVA) == share
    said = " ".join(sentences(found))
    assert "Lava ran the first 7 of 40 samples of each run" in said
    assert f"and the engine {100 * share:.2f} %" in said
    assert rows(found)[-1][:2] == ["Lava (14 of 80 samples)", "14"]
    whole = compare(model_file, test, n_samples=7, lava_samples=7)
    with outside_pyplot():
        assert len(accuracy_figure(whole).get_yticklabels()) == 3
    assert "not shown" not in comparison_page(whole)
    assert not any("ran the first" in sentence for sentence in sentences(whole))


def test_figures__draw_what_was_found(integer_file, digits):
    _, test = digits
    found = compare(integer_file, test, n_samples=70)
    for make in (accuracy_figure, network_figure, energy_figure, confusion_figure, raster_figure):
        assert ElementTree.fromstring(drawn(make, found)).tag.endswith("svg")
    table = found.confusion(Executor.ENGINE)
    assert table.sum() == 70
    assert np.trace(table[:, :10]) / 70 == found.accuracies(Executor.ENGINE)[0]
    axes = raster_figure(found).axes
    dots = sum(len(c.get_offsets()) for ax in axes[1::2] for c in ax.collections)
    assert dots == sum(int(raster.sum()) for raster in found.example[Executor.ENGINE].values())
