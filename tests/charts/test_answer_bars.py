"""The bars of ten answers: their colors and their order."""

from mnist_core.charts import answers, style


def test_bars_have_a_colour_for_the_right_answer_and_one_for_a_wrong_one() -> None:
    scale = answers.checked_answer_bars()["encoding"]["color"]["scale"]
    colors = dict(zip(scale["domain"], scale["range"], strict=True))
    assert colors == {"right": style.INK, "wrong": style.ERROR, "other": style.QUIET}


def test_bars_in_the_order_of_the_class_names_which_lean_if_they_are_long() -> None:
    names = (*"zyxwvutsr", "Bag")
    for spec, angle in (
        (answers.answer_bars(names), -45),
        (answers.checked_answer_bars(names), -45),
        (answers.answer_bars(), 0),
    ):
        across = spec["encoding"]["x"]
        assert across["scale"]["domain"] == (list(names) if angle else list("0123456789"))
        assert across["axis"]["labelAngle"] == angle
