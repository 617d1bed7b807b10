from plugin.sources.github.experience import TIMES_SHORT, Experience


def test_a_list_that_is_short_by_the_same_number_is_believed() -> None:
    experience = Experience()

    assert [experience.believes_count("acme/orders", 2) for _ in range(TIMES_SHORT + 1)] == [False, False, True, True]
    assert not experience.believes_count("acme/users", 2)


def test_another_number_or_a_whole_list_resets_the_count() -> None:
    experience = Experience()

    assert [experience.believes_count("acme/orders", missing) for missing in (2, 2, 3, 2)] == [False] * 4
    assert experience.believes_count("acme/orders", 0)
    assert not experience.believes_count("acme/orders", 2)


def test_counts_and_first_readings_are_apart() -> None:
    experience = Experience()
    experience.believes_count("acme/orders", 1)

    assert [experience.takes_first_reading("acme/orders", 1) for _ in range(3)] == [False, False, True]
    assert experience.takes_first_reading("acme/users", 0)
