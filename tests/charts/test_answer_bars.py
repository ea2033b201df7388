"""The bars of ten answers: their colors and their order."""

from mnist_core.charts import answers, style


def test_bar_colours_of_right_and_wrong_answers() -> None:
    scale = answers.checked_answer_bars()["encoding"]["color"]["scale"]
    colors = dict(zip(scale["domain"], scale["range"], strict=True))
    assert colors == {"right": style.INK, "wrong": style.ERROR, "other": style.QUIET}


def test_bars_in_class_order_with_tilted_long_names() -> None:
    names = (*"zyxwvutsr", "Bag")
    for spec, angle in (
        (answers.answer_bars(names), -45),
        (answers.checked_answer_bars(names), -45),
        (answers.answer_bars(), 0),
    ):
        across = spec["encoding"]["x"]
        assert across["scale"]["domain"] == (list(names) if angle else list("0123456789"))
        assert across["axis"]["labelAngle"] == angle
        assert across["axis"].get("labelOverlap") is (False if angle else None)
