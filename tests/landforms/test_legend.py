"""Legends and styles: QGIS finds every class and colour where it looks for them."""

from xml.etree import ElementTree

import pytest

from graben.errors import InputError, OutputError
from graben.landforms import GEOMORPHONS, Legend, LegendClass, write_qgis_ramp, write_qgis_style


def test_the_ten_geomorphons():
    names = "flat summit ridge shoulder spur slope hollow footslope valley depression"
    assert GEOMORPHONS.names == dict(enumerate(names.split(), 1))
    assert len({one.color for one in GEOMORPHONS.classes}) == 10
    assert GEOMORPHONS.classes[1].rgb == (0x4A, 0x0D, 0x0D)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([(0, "a", "#000000")], "codes from 1 to 255"),
        ([(256, "a", "#000000")], "codes from 1 to 255"),
        ([(3, "a", "#000000"), (3, "b", "#ffffff")], "each once"),
        ([(1, "a", "red")], "a colour such as"),
        ([(1, "a", "#12345g")], "a colour such as"),
        ([(1, "a", "#1234567")], "a colour such as"),
    ],
)
def test_legends_that_mean_nothing_are_refused(classes, message):
    with pytest.raises(InputError, match=message):
        Legend("Land", tuple(LegendClass(*one) for one in classes))


def test_a_paletted_style_holds_every_class(tmp_path):
    legend = Legend(
        "Land", (LegendClass(2, 'hill & <"dale">', "#aa7744"), *GEOMORPHONS.classes[4:])
    )
    write_qgis_style(tmp_path / "land.qml", legend)
    root = ElementTree.parse(tmp_path / "land.qml").getroot()
    assert root.tag == "qgis"
    [renderer] = root.findall("pipe/rasterrenderer")
    assert (renderer.get("type"), renderer.get("band")) == ("paletted", "1")
    entries = renderer.findall("colorPalette/paletteEntry")
    assert [(int(one.get("value")), one.get("label"), one.get("color")) for one in entries] == [
        (one.code, one.name, one.color) for one in legend.classes
    ]
    assert {one.get("alpha") for one in entries} == {"255"}


def test_a_ramp_goes_from_low_to_high(tmp_path):
    write_qgis_ramp(tmp_path / "slope.qml", -5, 45, ["#ffffff", "#888888", "#000000"], unit="m")
    [renderer] = ElementTree.parse(tmp_path / "slope.qml").findall("pipe/rasterrenderer")
    assert renderer.get("type") == "singlebandpseudocolor"
    assert (renderer.get("classificationMin"), renderer.get("classificationMax")) == ("-5", "45")
    [shader] = renderer.findall("rastershader/colorrampshader")
    assert shader.get("colorRampType") == "INTERPOLATED"
    items = shader.findall("item")
    assert [float(one.get("value")) for one in items] == [-5, 20, 45]
    assert [one.get("color") for one in items] == ["#ffffff", "#888888", "#000000"]
    assert [one.get("label") for one in items] == ["-5 m", "20 m", "45 m"]
    with pytest.raises(InputError, match="two values that ascend"):
        write_qgis_ramp(tmp_path / "flat.qml", 3, 3, ["#ffffff", "#000000"])
    with pytest.raises(InputError, match="two colours or more"):
        write_qgis_ramp(tmp_path / "one.qml", 3, 4, ["#ffffff"])
    assert [one.name for one in tmp_path.iterdir()] == ["slope.qml"]


def test_no_room_half_way_leaves_the_old_style(tmp_path, monkeypatch):
    write_qgis_style(tmp_path / "forms.qml", GEOMORPHONS)
    before = (tmp_path / "forms.qml").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_qgis_ramp(tmp_path / "forms.qml", 0, 1, ["#000000", "#ffffff"])
    assert (tmp_path / "forms.qml").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
