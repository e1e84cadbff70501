"""``ssdp-neuro convert`` from and to lava-dl's files."""

import numpy as np

from conversions import NetxMeaning, from_netx, to_netx
from hw_models import load, same_record, save
from tests.conversions.cli.test_convert_formats import refused, run
from tests.conversions.netx.networks import chain


def test_convert__netx_to_a_network_and_back(tmp_path, capsys):
    network = chain()
    given = tmp_path / "given.h5"  # the name does not say what it is
    to_netx(network, given)
    made, back = tmp_path / "made.h5", tmp_path / "back.net"
    assert run(given, "--out", made) == 0
    assert "nothing was rounded" in " ".join(capsys.readouterr().out.split())
    assert same_record(load(made), network)
    assert run(made, "--to", "netx", "--out", back) == 0
    assert same_record(from_netx(back)[0], network)


def test_convert__netx_meaning(tmp_path):
    network = chain()
    given, made = tmp_path / "given.net", tmp_path / "made.h5"
    to_netx(network, given)
    assert run(given, "--out", made, "--netx-meaning", "as-loaded") == 0
    assert same_record(load(made), from_netx(given, meaning=NetxMeaning.AS_LOADED)[0])


def test_convert__refuses_what_a_netx_file_has_no_use_for(tmp_path, capsys):
    given, made = tmp_path / "given.net", tmp_path / "made.h5"
    to_netx(chain(), given)
    assert "for NIR files" in refused(capsys, given, "--out", made, "--dt", "1")
    np.savez(tmp_path / "data.npz", spikes=np.zeros((1, 2, 5), dtype=bool))
    data = tmp_path / "data.npz"
    assert "no --calibration" in refused(capsys, given, "--out", made, "--calibration", data)
    assert "--input-shape" in refused(capsys, given, "--out", made, "--input-shape", "7")
    save(chain(reset_interval=9), made)
    message = refused(capsys, made, "--to", "netx", "--out", tmp_path / "back.net")
    assert "hidden.reset_interval: 9" in message
