"""The spool: content on its way, which nobody finds who comes later."""

from pathlib import Path

from backups.files import spool as spooling
from backups.files.spool import Spool

CONTENT = b"a picture " * 50_000


def test_what_is_on_its_way_into_a_storage_has_no_name(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    taken = spool.take(iter([CONTENT]), limit_bytes=len(CONTENT))
    with spool.nameless(taken.sha256) as path:
        assert [*tmp_path.iterdir()] == []
        # As often as a storage likes: each look begins anew.
        assert path.read_bytes() == path.read_bytes() == CONTENT
        assert path.stat().st_size == len(CONTENT)
    assert not path.exists()


def test_where_a_system_knows_no_such_path_it_goes_at_the_end(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(spooling, "_DESCRIPTORS", tmp_path / "nowhere")
    spool = Spool(tmp_path)
    taken = spool.take(iter([CONTENT]), limit_bytes=len(CONTENT))
    with spool.nameless(taken.sha256) as path:
        assert path.read_bytes() == CONTENT
    assert [*tmp_path.iterdir()] == []
