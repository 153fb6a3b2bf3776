import gzip
import io

import numpy as np
import obspy
import pandas as pd
import pytest
from obspy.core import event as quakeml

from graben.errors import CatalogError, InputError
from graben.quakes.catalog import Catalog
from graben.quakes.formats import read_catalog, write_catalog

TIMES = [
    "2010-12-31T23:59:59.900000Z",
    "2011-01-01T00:00:00.120000Z",
    "2012-02-29T12:30:15.500000Z",
]
LONGITUDES = [30.123456, -117.5, 179.99]
LATITUDES = [40.5, -33.25, 0.1]
MAGNITUDES = [4.5, 6.12, 5.0]
DEPTHS = [10.0, 7.25, 33.0]
COMCAT = (
    "time,latitude,longitude,depth,mag,magType,nst,gap,dmin,rms,net,id,updated,place,type,"
    "horizontalError,depthError,magError,magNst,status,locationSource,magSource"
)


def rows():
    return list(zip(TIMES, LONGITUDES, LATITUDES, DEPTHS, MAGNITUDES, strict=True))


def comcat() -> str:
    """As the event page of the USGS gives it: newest first, quoted places with commas."""
    lines = [COMCAT]
    for number, (time, x, y, depth, size) in reversed(list(enumerate(rows()))):
        lines.append(
            f"{time[:-4]}Z,{y},{x},{depth},{size},mww,,41,0.5,0.9,us,us{number},2020-01-01T00:00:"
            f'00.000Z,"9 km S of #1, Turkey",earthquake,6.1,1.8,0.05,,reviewed,us,us'
        )
    return "\n".join(lines) + "\n"


def csep(header: bool = True) -> str:
    lines = ["lon,lat,M,time_string,depth,catalog_id,event_id"] if header else []
    for time, x, y, depth, size in rows():
        lines.append(f"{x},{y},{size},{time[:-1]},{depth},-1,")
    return "\n".join(lines)


def zmap(separator: str = "\t", decimals: int = 4) -> str:
    """Decimal years are rounded, so that the first event lands in the next year."""
    lines = []
    for time, x, y, depth, size in rows():
        t = pd.Timestamp(time)
        begin = pd.Timestamp(f"{t.year}-01-01", tz="UTC")
        length = 366 if t.is_leap_year else 365
        year = round(t.year + (t - begin).total_seconds() / 86400 / length, decimals)
        second = t.second + t.microsecond / 1e6
        fields = [x, y, year, t.month, t.day, size, depth, t.hour, t.minute, second]
        lines.append(separator.join(f"{field}" for field in fields))
    return "\n".join(lines)


def quakeml_bytes() -> bytes:
    events = [
        quakeml.Event(
            resource_id=f"smi:local/event/{number}",
            origins=[
                quakeml.Origin(time=obspy.UTCDateTime(time), longitude=0, latitude=0, depth=0),
                quakeml.Origin(
                    resource_id=f"smi:local/origin/{number}",
                    time=obspy.UTCDateTime(time),
                    longitude=x,
                    latitude=y,
                    depth=depth * 1000,
                ),
            ],
            magnitudes=[quakeml.Magnitude(mag=size, magnitude_type="Mw")],
            preferred_origin_id=f"smi:local/origin/{number}",
        )
        for number, (time, x, y, depth, size) in enumerate(rows())
    ]
    buffer = io.BytesIO()
    quakeml.Catalog(events).write(buffer, format="QUAKEML")
    return buffer.getvalue()


def benchmark() -> str:
    lines = ["id,time,longitude,latitude,magnitude,x,y"]
    for number, (time, x, y, _, size) in enumerate(rows()):
        lines.append(f"{number},{time[:-4].replace('T', ' ')},{x},{y},{size},-221.8,-52.4")
    return "\n".join(lines)


LAYOUTS = {
    "comcat.csv": comcat,
    "csep.csv": csep,
    "csep-headless.csv": lambda: csep(header=False),
    "zmap.dat": zmap,
    "zmap-blanks.txt": lambda: zmap("  "),
    "zmap-commas.csv": lambda: zmap(",", 3),
    "zmap-rough-years.dat": lambda: zmap(decimals=2),
    "events.xml": quakeml_bytes,
    "benchmark.csv": benchmark,
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_gives_the_same_earthquakes(tmp_path, name, zipped):
    content = LAYOUTS[name]()
    content = content.encode() if isinstance(content, str) else content
    path = tmp_path / (name + (".gz" if zipped else ""))
    path.write_bytes(gzip.compress(content) if zipped else content)
    catalog = read_catalog(path)
    table = catalog.table
    assert table["time"].tolist() == [pd.Timestamp(time) for time in TIMES]
    np.testing.assert_array_equal(table["longitude"], LONGITUDES)
    np.testing.assert_array_equal(table["latitude"], LATITUDES)
    np.testing.assert_array_equal(table["magnitude"], MAGNITUDES)
    np.testing.assert_array_equal(table["depth"], np.nan if "benchmark" in name else DEPTHS)
    assert table["event_id"].is_unique
    assert path.name in catalog.source


def test_whole_years_in_zmap_stay_whole(tmp_path):
    path = tmp_path / "zmap.dat"
    path.write_text("30 40 2011 1 1 5.0 10 0 0 0\n30 40 2011 12 31 5.0 10 23 59 60\n")
    times = read_catalog(path).table["time"]
    assert times.tolist() == [
        pd.Timestamp("2011-01-01", tz="UTC"),
        pd.Timestamp("2012-01-01", tz="UTC"),
    ]


@pytest.mark.parametrize("name", ["catalog.csv", "catalog.csv.gz"])
def test_what_is_written_comes_back_exactly(tmp_path, name):
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "time": pd.to_datetime(random.integers(0, 10**18, 200), unit="ns", utc=True),
            "longitude": random.uniform(-180, 180, 200),
            "latitude": random.uniform(-90, 90, 200),
            "depth": np.where(np.arange(200) % 7 == 0, np.nan, random.uniform(0, 700, 200)),
            "magnitude": random.exponential(1, 200),
            "event_id": [f"00{number}" for number in range(200)],
            "magnitude_type": "mw",
        }
    )
    catalog = Catalog.from_table(table, "made: for a test", end="2030-01-01")
    write_catalog(catalog, tmp_path / name)
    again = read_catalog(tmp_path / name)
    assert again.sha256() == catalog.sha256()
    assert (again.source, again.start, again.end) == (catalog.source, catalog.start, catalog.end)


def test_a_place_that_cannot_be_written_is_bad_input(tmp_path):
    (tmp_path / "file").write_text("")
    catalog = Catalog.from_table(
        pd.DataFrame({"time": TIMES, "longitude": 0, "latitude": 0, "magnitude": MAGNITUDES}), "t"
    )
    with pytest.raises(InputError, match="folder"):
        write_catalog(catalog, tmp_path / "file" / "catalog.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no line"),
        (b"# only a comment\n", "no line"),
        (b"station,channel\nA,BHZ\n", r"ComCat CSV.*station, channel.*rename"),
        (b"just words\n", "ComCat CSV.*just words"),
        (b"\xff\xfe\x00\x01\x9f", "no text"),
        (b"time,longitude,latitude\n2020-01-01,1,2\n", "without magnitude"),
        (b'time,longitude,latitude,mag\n2020-01-01,1,2,3\n2020,"1\n', "breaks off"),
        (b"1 2 2010 1 1 5 10 0 0 0\n1 2 2010 1 1 5 10 0 0 0 7 8 9\n", "unequal length"),
        (b"lon,lat,mag,time_string,catalog_id\n1,2,3,2020-01-01,0\n1,2,3,2020-01-02,1\n", "2 sim"),
        (b"<html><body>busy</body></html>", "QuakeML"),
        (b"<?xml", "QuakeML"),
    ],
)
def test_files_that_are_no_catalogue_are_refused_with_a_remedy(tmp_path, content, message):
    path = tmp_path / "catalog"
    path.write_bytes(content)
    with pytest.raises(CatalogError, match=message):
        read_catalog(path)


def test_damaged_files_are_refused_with_a_remedy(tmp_path):
    path = tmp_path / "catalog"
    path.write_bytes(quakeml_bytes()[:-200])
    with pytest.raises(CatalogError, match="Get the file again"):
        read_catalog(path)
    path.write_bytes(gzip.compress(comcat().encode())[:-20])
    with pytest.raises(CatalogError, match="damaged"):
        read_catalog(path)
    with pytest.raises(CatalogError, match="cannot read"):
        read_catalog(tmp_path / "absent.csv")


def test_blasts_are_left_out_and_counted(tmp_path):
    path = tmp_path / "comcat.csv"
    lines = comcat().splitlines()
    lines[1] = lines[1].replace(",earthquake,", ",nuclear explosion,")
    path.write_text("\n".join(lines))
    catalog = read_catalog(path)
    assert len(catalog) == 2
    assert catalog.source == "comcat.csv (CSV); without 1 events that are no earthquakes"
    rows = [line.replace("magType", "type").replace(",mww,", ",Mw,") for line in (COMCAT, lines[2])]
    path.write_text("\n".join([rows[0].replace("place,type", "place,kind"), rows[1]]))
    assert len(read_catalog(path)) == 1


def test_events_without_magnitude_are_found_by_validation(tmp_path):
    event = quakeml.Event(origins=[quakeml.Origin(time=obspy.UTCDateTime(0))])
    quakeml.Catalog([event]).write(tmp_path / "events.xml", format="QUAKEML")
    with pytest.raises(CatalogError, match="expected longitude"):
        read_catalog(tmp_path / "events.xml")


@pytest.mark.parametrize(
    ("name", "events", "largest"),
    [
        ("EarthquakeNPP_ComCat_25.csv.gz", 92255, 7.3),
        ("EarthquakeNPP_SanJac_10.csv.gz", 21291, 5.43),
    ],
)
def test_real_benchmark_catalogues(reference_data, name, events, largest):
    catalog = read_catalog(reference_data / "catalogs" / name)
    assert len(catalog) == events
    assert catalog.table["magnitude"].max() == pytest.approx(largest, abs=0.05)
    assert catalog.table["depth"].isna().all()


def test_a_real_csep_catalogue():
    csep = pytest.importorskip("csep")
    from pathlib import Path

    folder = Path(csep.__file__).parent / "artifacts" / "ObservedCatalogs"
    catalog = read_catalog(folder / "sample_comcat_catalog.csv")
    assert len(catalog) == 829
    assert catalog.start.date().isoformat() == "2019-07-06"
