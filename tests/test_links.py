"""Links: old ones keep their meaning, invalid ones are refused, and QR codes can be read."""

from __future__ import annotations

import dataclasses
import re
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core import config as choices
from mnist_core import links, presets
from mnist_core.config import LayerConfig, RunConfig
from mnist_core.errors import ConfigError
from tests import qr
from tests.test_config import configs

PAGE = "http://192.168.1.7:8501/"
FIELDS = [field.name for field in dataclasses.fields(RunConfig)]

# Links in lesson plans. Never change one of these: a published link must keep its meaning forever. If a default or the
# name of a choice has to change, make `RunConfig.from_query` translate old links.
OLD_LINKS = {
    "layers=dense-128-relu": RunConfig(
        layers=(LayerConfig(kind="dense", units=128, activation="relu", dropout=0.0),),
        optimizer="sgd",
        learning_rate=0.01,
        loss="categorical_crossentropy",
        batch_size=128,
        epochs=20,
        dataset="mnist",
        split="official",
        validation_fraction=0.0,
        seed=0,
        l2=0.0,
        early_stopping=0,
        augmentation=0.0,
        pixels="scaled",
        order="shuffled",
        training_images=0,
    ),
    "epochs=3": RunConfig(layers=(LayerConfig("dense", 128, "relu", 0.0),), epochs=3),
    "layers=none&optimizer=rmsprop&learning_rate=0.001&epochs=10": RunConfig(
        layers=(), optimizer="rmsprop", learning_rate=0.001, epochs=10
    ),
    "layers=conv-32-relu,conv_only-16-tanh-0.25,dense-64-sigmoid-0.5&optimizer=adam&split=kite": RunConfig(
        layers=(
            LayerConfig("conv", 32, "relu", 0.0),
            LayerConfig("conv_only", 16, "tanh", 0.25),
            LayerConfig("dense", 64, "sigmoid", 0.5),
        ),
        optimizer="adam",
        split="kite",
    ),
    "layers=dense-9-elu,dense-8-gelu,dense-7-silu,dense-6-leaky_relu,dense-5-softplus,dense-4-linear&optimizer=adamw"
    "&loss=mean_squared_error&batch_size=1&epochs=100&dataset=embedded&validation_fraction=0.1&seed=2147483647&l2=1e-06"
    "&early_stopping=50&augmentation=0.3&pixels=raw&order=file": RunConfig(
        layers=(
            LayerConfig("dense", 9, "elu", 0.0),
            LayerConfig("dense", 8, "gelu", 0.0),
            LayerConfig("dense", 7, "silu", 0.0),
            LayerConfig("dense", 6, "leaky_relu", 0.0),
            LayerConfig("dense", 5, "softplus", 0.0),
            LayerConfig("dense", 4, "linear", 0.0),
        ),
        optimizer="adamw",
        loss="mean_squared_error",
        batch_size=1,
        epochs=100,
        dataset="embedded",
        validation_fraction=0.1,
        seed=2147483647,
        l2=0.000001,
        early_stopping=50,
        augmentation=0.3,
        pixels="raw",
        order="file",
    ),
    "layers=dense-128-relu-0&optimizer=momentum&loss=categorical_crossentropy&split=official&pixels=scaled"
    "&order=shuffled&learning_rate=10&dataset=own": RunConfig(
        layers=(LayerConfig("dense", 128, "relu", 0.0),), optimizer="momentum", learning_rate=10.0, dataset="own"
    ),
    "layers=dense-128-relu&optimizer=sgd": RunConfig(optimizer="sgd"),
    "layers=dense-128-relu&training_images=1000": RunConfig(training_images=1000),
}


def read(text: str) -> RunConfig | None:
    """Return what the page gets for the query of an address."""
    return links.read(urllib.parse.parse_qs(text, keep_blank_values=True))


def refusal(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert len(str(caught.value)) < 1000
    return caught.value


@pytest.mark.parametrize("text", OLD_LINKS)
def test_old_link_keeps_its_meaning(text: str) -> None:
    assert read(text) == OLD_LINKS[text]


@pytest.mark.parametrize(
    ("visitor", "seed"), [(0, 0), (1, 1), (2_000_000_000, 2_000_000_000), (2**31 - 1, 2**31 - 1), (2**31 + 4, 4)]
)
def test_random_start_link_gives_each_visitor_a_seed(visitor: int, seed: int) -> None:
    query = urllib.parse.parse_qs("layers=dense-32-relu&epochs=5&split=kite&seed=own")
    assert links.read(query, visitor) == RunConfig(
        layers=(LayerConfig("dense", 32, "relu", 0.0),), epochs=5, split="kite", seed=seed
    )


@pytest.mark.parametrize("text", OLD_LINKS)
def test_fixed_seed_link_is_the_same_for_all(text: str) -> None:
    assert links.read(urllib.parse.parse_qs(text), 12345) == OLD_LINKS[text]


def test_random_start_replaces_the_seed() -> None:
    config = RunConfig(epochs=5, seed=77)
    assert links.to_config(PAGE, config, own_start=True) == (
        "http://192.168.1.7:8501/?layers=dense-128-relu&epochs=5&seed=own"
    )
    assert links.to_config(PAGE, config).endswith("&seed=77")


def test_defaults_match_what_old_links_omit() -> None:
    assert RunConfig() == OLD_LINKS["layers=dense-128-relu"]


def test_every_setting_and_choice_has_an_old_link() -> None:
    """Whoever adds a setting or choice must add a link with it here."""
    texts = "&".join(OLD_LINKS)
    assert {name for name in FIELDS if f"{name}=" not in texts} == set()
    words = set(re.split(r"[^a-z0-9_]+", texts))
    tables = (
        choices.LAYER_KINDS, choices.ACTIVATIONS, choices.OPTIMIZERS, choices.LOSSES, choices.SPLITS, choices.PIXELS,
        choices.ORDERS,
    )  # fmt: skip
    assert {choice for table in tables for choice in table} <= words


@given(configs())
def test_link_round_trip_is_exact(config: RunConfig) -> None:
    address = urllib.parse.urlsplit(links.to_config(PAGE, config))
    assert f"{address.scheme}://{address.netloc}{address.path}" == PAGE
    assert read(address.query) == config


def test_links_are_short() -> None:
    lengths = {key: len(links.to_config("", preset.config)) for key, preset in presets.PRESETS.items()}
    assert max(lengths.values()) <= 100, lengths
    assert links.to_config(PAGE, presets.PRESETS["morgan-1"].config) == (
        "http://192.168.1.7:8501/?layers=dense-512-relu-0.2&optimizer=rmsprop&learning_rate=0.001&epochs=10"
    )


def test_longest_config_fits_a_link_and_a_qr_code() -> None:
    layer = LayerConfig("conv_only", 128, "leaky_relu", 1.2345678901234567e-101)
    tiny = 1.2345678901234567e-101
    config = RunConfig(
        layers=(layer,) * 6, optimizer="momentum", learning_rate=1.2345678901234567e-05, loss="mean_squared_error",
        batch_size=1000, dataset="a" * 40, split="kite", validation_fraction=tiny, seed=2**31 - 1, l2=tiny,
        early_stopping=50, augmentation=tiny, pixels="raw", order="file", epochs=100, training_images=1_000_000,
    )  # fmt: skip
    address = links.to_config("https://a-name-of-sixty-letters.example.org/with/a/long/path/", config)
    assert read(urllib.parse.urlsplit(address).query) == config
    assert links.code(address)


def test_address_without_settings_has_no_config() -> None:
    assert read("") is None
    assert read("utm_source=letter&embed=true&course=kite&kite=0.1") is None


def test_tracking_parameters_are_ignored() -> None:
    assert read("utm_source=letter&epochs=3&fbclid=x&fbclid=y&embed=true") == RunConfig(epochs=3)


# Each field out of range; also combined in one link.
OUTSIDE = {
    "layers": "dense-4096-relu",
    "optimizer": "adagrad",
    "learning_rate": "1000",
    "loss": "hinge",
    "batch_size": "0",
    "epochs": "101",
    "dataset": "../mnist",
    "split": "thirds",
    "validation_fraction": "0.51",
    "seed": "-1",
    "l2": "-0.1",
    "early_stopping": "51",
    "augmentation": "1e300",
    "pixels": "0-1",
    "order": "random",
    "training_images": "1000001",
}
INSIDE = {"validation_fraction": "0.1"}


@pytest.mark.parametrize("field", FIELDS)
def test_field_out_of_range_names_the_remedy(field: str) -> None:
    error = refusal(urllib.parse.urlencode({**INSIDE, field: OUTSIDE[field]}))
    assert error.field == (field if field != "layers" else "layers[0].units")
    assert error.remedy.startswith(("Choose ", "Give "))


def test_remedies_fix_every_field_out_of_range() -> None:
    query = dict(OUTSIDE)
    named = []
    while any(name in OUTSIDE and text == OUTSIDE[name] for name, text in query.items()):
        field = refusal(urllib.parse.urlencode(query)).field.split("[")[0]
        named.append(field)
        query[field] = {**RunConfig().to_query(), **INSIDE}.get(field) or str(getattr(RunConfig(), field))
    assert sorted(named) == sorted(FIELDS)
    assert read(urllib.parse.urlencode(query)) == RunConfig(validation_fraction=0.1)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("epochs=ten", "epochs"),
        ("seed=Own", "seed"),
        ("seed=own&seed=own", "seed"),
        ("epochs=own", "epochs"),
        ("epochs=", "epochs"),
        ("epochs=1.5", "epochs"),
        ("epochs=1_0", "epochs"),
        ("epochs=%2010", "epochs"),
        ("epochs=%D9%A3", "epochs"),
        ("epochs=" + "1" * 300, "epochs"),
        ("epochs=" + "1" * 5000, "epochs"),
        ("epochs=3&epochs=4", "epochs"),
        ("epochs=3&epochs=3", "epochs"),
        ("learning_rate=nan", "learning_rate"),
        ("learning_rate=inf", "learning_rate"),
        ("learning_rate=-Infinity", "learning_rate"),
        ("learning_rate=1e999", "learning_rate"),
        ("learning_rate=0,1", "learning_rate"),
        ("learning_rate=.", "learning_rate"),
        ("learning_rate=0x1", "learning_rate"),
        ("optimizer=SGD", "optimizer"),
        ("optimizer=" + "sgd" * 1000, "optimizer"),
        ("layers=", "layers[0]"),
        ("layers=dense", "layers[0]"),
        ("layers=dense-128", "layers[0]"),
        ("layers=dense-128-relu-", "layers[0].dropout"),
        ("layers=dense-128-relu,", "layers[1]"),
        ("layers=dense-x-relu-0", "layers[0].units"),
        ("layers=dense-128-relu-x", "layers[0].dropout"),
        ("layers=dense-128-relu-nan", "layers[0].dropout"),
        ("layers=dense-128-relu-0-0", "layers[0].dropout"),
        ("layers=dense--128-relu", "layers[0].units"),
        ("layers=dense-128-softmax", "layers[0].activation"),
        ("layers=dense-128-relu,conv-8-relu", "layers[1].kind"),
        ("layers=" + ",".join(["dense-8-relu"] * 7), "layers"),
        ("layers=" + ",".join(["dense-8-relu"] * 10_000), "layers"),
        ("early_stopping=2", "early_stopping"),
        ("Epochs=3", "Epochs"),
        ("epoch=3", "epoch"),
        ("learning-rate=0.1", "learning-rate"),
        ("optimiser=adam", "optimiser"),
    ],
)
def test_broken_link(text: str, field: str) -> None:
    assert refusal(text).field == field


def test_misspelled_setting_suggests_the_right_name() -> None:
    assert refusal("layers=none&learningrate=0.5").remedy == "Write learning_rate, or leave it out."


@pytest.mark.parametrize(("text", "rate"), [(".5", 0.5), ("5.", 5.0), ("1E-3", 0.001), ("0010", 10.0)])
def test_number_formats(text: str, rate: float) -> None:
    assert RunConfig.from_query({"learning_rate": text}).learning_rate == rate


def test_mapping_with_an_unknown_key() -> None:
    for name in ("lr", "", "__class__"):
        with pytest.raises(ConfigError) as caught:
            RunConfig.from_query({name: "1"})
        assert caught.value.field == name


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(), min_size=1))
def test_any_query_is_accepted_or_refused(query: dict[str, str]) -> None:
    try:
        config = RunConfig.from_query(query)
    except ConfigError as error:
        assert error.field.split(".")[0].split("[")[0] in query
    else:
        assert RunConfig.from_query(config.to_query()) == config


@pytest.mark.parametrize(
    ("address", "is_own"),
    [
        ("http://localhost:8501/", True),
        ("http://127.0.0.1:8501/", True),
        ("http://[::1]:8501/", True),
        ("http://playground.localhost/", True),
        ("http://0.0.0.0:8501/", True),
        ("http://192.168.1.7:8501/", False),
        ("http://lab-3:8501/", False),
        ("https://localhost.example.org/", False),
        ("https://example.org/127.0.0.1/", False),
    ],
)
def test_address_for_this_computer_only(address: str, is_own: bool) -> None:
    assert links.is_own(address) is is_own


@pytest.mark.parametrize(
    "text",
    [
        "http://a.b/",
        links.to_run(f"{PAGE}evaluate", "A" * 22),
        *(links.to_config(PAGE, preset.config) for preset in presets.PRESETS.values()),
        links.to_config("https://mnist.example.org/", OLD_LINKS["layers=dense-128-relu"]) + "&x=" + "%C3%A4" * 20,
    ],
)
def test_qr_code_holds_the_link(text: str) -> None:
    picture = qr.modules(links.code(text))
    margin = picture.copy()
    margin[4:-4, 4:-4] = False
    assert not margin.any()
    assert qr.decode(picture[4:-4, 4:-4]) == text


def test_qr_code_has_a_white_background() -> None:
    svg = links.code(PAGE)
    side = len(qr.modules(svg))
    assert f'<path fill="#fff" d="M0 0h{side}v{side}h-{side}z"/>' in svg
    assert 'stroke="#000"' in svg
    assert "width=" not in svg.split(">")[0]


def test_link_to_a_run() -> None:
    assert links.to_run(f"{PAGE}evaluate", "x-_9") == "http://192.168.1.7:8501/evaluate?shared=x-_9"
