"""A study of one size never takes the runs of another, which it would find by their names."""

from benchmarks.weight_bits import STUDIES, Size, network_name


def test_network_name__is_another_for_each_size_and_of_all_data_that_of_image_results():
    names = {
        (study.case.name, seed, size): network_name(study, seed, size)
        for study in STUDIES
        for seed in (0, 1)
        for size in Size
    }
    assert len(set(names.values())) == len(names)
    for study in STUDIES:
        assert names[study.case.name, 1, Size.FULL] == f"{study.case.name}-1"
