import pytest

from ssdp_neuro import progress
from ssdp_neuro.progress import Progress


@pytest.mark.parametrize(
    ("wanted", "seconds", "said"),
    [
        (None, 0.0, "ssdp_neuro: simulating: 1 of 9 steps done ...\n"),
        (None, 60.0, ""),
        (False, 0.0, ""),
    ],
)
def test_progress__off_a_terminal_is_one_line_of_what_takes_long(
    wanted, seconds, said, capsys, monkeypatch
):
    monkeypatch.setattr(progress, "LINE_AFTER_SECONDS", seconds)
    with Progress(wanted) as bar:
        for step in range(1, 10):
            bar.update(step, 9, "steps")
    assert capsys.readouterr() == ("", said)
