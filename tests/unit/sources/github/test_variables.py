from plugin.sources.github.variables import label_variables, repository_variables


def test_labels_are_in_the_order_of_their_names() -> None:
    assert label_variables(3, ["b", "c", "a"]) == {"k3_0": "a", "k3_1": "b", "k3_2": "c"}


def test_a_repository_is_its_owner_and_its_name() -> None:
    assert repository_variables(1, "acme/orders") == {"o1": "acme", "n1": "orders"}
