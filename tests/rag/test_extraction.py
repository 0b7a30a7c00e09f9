"""Choosing processors, members of containers, and worker processes with limits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import DocumentError, OpsviError
from opsvi_cli.rag.extraction import document_id, identified, read_source, select_processor
from opsvi_cli.rag.extractor import Extractor
from opsvi_cli.sdk import Document, Source

Make = Callable[..., AppContext]

SLOW = b"<html><body>" + b"<p>words and words and words</p>" * 400_000
"""Some seconds of work for the HTML processor."""
PLUGIN = """
import os, sys, time
from opsvi_cli.sdk import Document, hookimpl
OPSVI_API = "1.0"

@hookimpl
def opsvi_register(registry):
    registry.processor("odd", "odd_plugin:Odd", help="Odd", media_types=["application/x-odd"], suffixes=[".odd"])

@hookimpl
def opsvi_select_processor(source, media_type):
    return "odd" if source.name.endswith(".odd") else None

class Odd:
    def __init__(self, services):
        self.services = services

    def read(self, source):
        what = source.data.decode()
        print("noise on stdout")
        os.write(1, b"more noise")
        if what == "crash":
            os.abort()
        if what == "exit":
            os._exit(3)
        if what == "sleep":
            time.sleep(100)
        if what == "loop":
            while True:
                pass
        if what == "native":
            import signal
            signal.signal(signal.SIGXCPU, signal.SIG_IGN)  # as good as never coming back to Python
            while True:
                pass
        if what == "memory":
            x = bytearray(10**12)
        if what == "bug":
            raise KeyError("oops\\nsecond line")
        if what == "exits":
            sys.exit(5)
        yield Document(f"{what} pid {os.getpid()} \\x1b[31mred")
"""


@pytest.fixture
def app(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A context with settings from the environment and the plugin `odd`, whose processor does what its file says."""
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin" / "odd_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path / "plugin"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plugin"))
    monkeypatch.setenv("OPSVI_PLUGINS", "odd_plugin")

    def make(**settings: object) -> AppContext:
        env = {f"OPSVI_INGEST__{name.upper()}": str(value) for name, value in settings.items()}
        return AppContext(env={**os.environ, **env}, cwd=str(tmp_path))

    return make


def source(name: str, data: bytes | str, **more: str) -> Source:
    return Source(f"/docs/{name}", name, data.encode() if isinstance(data, str) else data, **more)


def outcome(result: list[Document] | OpsviError) -> str:
    return result.message if isinstance(result, OpsviError) else result[0].text


def mail(subject: str, *attachments: tuple[str, bytes]) -> bytes:
    made = EmailMessage()
    made["From"], made["Subject"] = "a@example.org", subject
    made.set_content(f"body of {subject}")
    for name, data in attachments:
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()


@pytest.mark.parametrize(
    ("name", "data", "processor"),
    [
        ("a.md", b"# x", "markdown"),
        ("a.txt", b"%PDF-1.4\n1 0 obj", "pdf"),
        ("a.pdf", b"just words", "text"),
        ("script.py", b"print('x')", "text"),
        ("a.log", b"line", "text"),
        ("a.tsv", b"a\tb\n1\t2\n", "csv"),
        ("a.jsonl", b'{"text": "x"}', "jsonl"),
        ("x", b"<html><body>x</body></html>", "html"),
    ],
)
def test_the_processor_follows_the_content(app: Make, name: str, data: bytes, processor: str) -> None:
    assert select_processor(app(), identified(source(name, data))).name == processor


@pytest.mark.parametrize("name", ["a.png", "a.txt", "a.docx"])
def test_nobody_reads_pictures(app: Make, name: str) -> None:
    with pytest.raises(DocumentError, match=r"no processor for .* \(image/png\)") as error:
        read_source(app(), source(name, b"\x89PNG\r\n\x1a\n" + bytes(50)))
    assert "opsvi plugins list" in error.value.hint


def test_junk_with_the_suffix_of_text_is_refused(app: Make) -> None:
    with pytest.raises(DocumentError, match="octet-stream"):
        read_source(app(), source("a.txt", bytes(range(30)) * 100))


def test_untitled_documents_carry_their_file_name(app: Make) -> None:
    (document,) = read_source(app(), source("notes.txt", "words"))
    assert document.title == "notes.txt"
    assert document.media_type == "text/plain"


def test_ids_are_stable_and_told_apart_by_part() -> None:
    first = document_id("/docs/a", Document("x"))
    assert first == document_id("/docs/a", Document("other text"))
    assert len(first) == 16
    assert first != document_id("/docs/a", Document("x", part="line:2"))
    assert document_id("/docs/a", Document("x", id="given")) == "given"


def test_attachments_are_documents_of_the_mail(app: Make) -> None:
    inner = mail("inner", ("deep.txt", b"deepest words"))
    data = mail("outer", ("a.csv", b"x,y\n1,2\n"), ("inner.eml", inner), ("pic.png", b"\x89PNG\r\n\x1a\n" + bytes(9)))
    documents = read_source(app(), source("m.eml", data))
    assert [document.part for document in documents] == [
        "",
        "attachment:a.csv",
        "attachment:inner.eml",
        "attachment:inner.eml!attachment:deep.txt",
    ]
    assert "deepest words" in documents[3].text
    assert documents[1].metadata["attached_to"] == "outer"
    assert documents[0].warnings == ("attachment:pic.png was left out: no processor for pic.png (image/png)",)
    assert len({document_id("/docs/m.eml", document) for document in documents}) == 4


def test_mails_in_mails_end_at_a_depth(app: Make) -> None:
    data = mail("level 0", ("end.txt", b"bottom"))
    for level in range(1, 9):
        data = mail(f"level {level}", ("inner.eml", data))
    documents = read_source(app(), source("m.eml", data))
    assert len(documents) == 6
    assert "nested more than 5 deep" in documents[0].warnings[0]


def test_ids_of_lines_in_an_attachment_are_not_taken_for_the_mails(app: Make) -> None:
    data = mail("m", ("rows.jsonl", b'{"_id": "d1", "text": "one"}\n{"_id": "d2", "text": "two"}'))
    documents = read_source(app(), source("m.eml", data))
    assert [(document.id, document.part) for document in documents[1:]] == [
        ("", "attachment:rows.jsonl!d1"),
        ("", "attachment:rows.jsonl!d2"),
    ]


def test_order_is_that_of_the_input_and_errors_stay_with_their_source(app: Make) -> None:
    sources = [
        source("slow.html", b"<html><body>" + b"<p>first words</p>" * 3000),
        source("quick.txt", "second"),
        source("bad.docx", b"PK\x03\x04 word/document.xml"),
        source("empty.txt", b""),
        source("last.html", "<html><body><p>last words</p></body></html>"),
    ]
    with Extractor(app(jobs=2)) as extractor:
        results = list(extractor.read_many(sources))
    assert [given.name for given, _ in results] == [given.name for given in sources]
    assert "first words" in outcome(results[0][1])
    assert outcome(results[1][1]) == "second"
    assert "damaged" in outcome(results[2][1])
    assert outcome(results[3][1]) == "empty.txt is empty"
    assert outcome(results[4][1]) == "last words"


def test_sources_are_read_ahead_by_a_bounded_number(app: Make) -> None:
    taken = []

    def sources() -> object:
        for number in range(50):
            taken.append(number)
            yield source(f"{number}.txt", "words")

    with Extractor(app(jobs=1)) as extractor:
        next(iter(extractor.read_many(sources())))  # type: ignore[arg-type]
        assert len(taken) <= 4


def test_what_a_worker_gives_is_what_this_process_gives(app: Make) -> None:
    page = source("p.html", "<html lang=en><title>T</title><body><h1>A</h1><p>words \u202e here</p><h2>B</h2><p>x</p>")
    with Extractor(app()) as extractor:
        assert extractor.read(page) == read_source(app(), page)


def test_cpu_time_is_limited_for_each_document_and_the_worker_lives_on(app: Make) -> None:
    fine = source("a.html", "<html><body><p>fine words</p></body></html>")
    with Extractor(app(jobs=1, seconds_per_document=1)) as extractor:
        results = [result for _, result in extractor.read_many([fine, source("slow.html", SLOW), fine])]
    assert outcome(results[0]) == "fine words"
    assert outcome(results[1]) == "slow.html needs more than 1 s to be read"
    assert outcome(results[2]) == "fine words"


def test_memory_is_limited(app: Make) -> None:
    with Extractor(app(jobs=1, memory_bytes=40_000_000)) as extractor:
        big = source("big.csv", b"a,b,c\n" + b"1,2,3\n" * 3_000_000)
        fine = source("a.csv", "a,b\n1,2\n")
        results = [result for _, result in extractor.read_many([big, fine])]
    assert outcome(results[0]) == "big.csv needs more than 40000000 bytes of memory to be read"
    assert "| 1 | 2 |" in outcome(results[1])


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("crash", "the program that read it was ended by signal 6"),
        ("exit", "exit code 3"),
        ("exits", "SystemExit: 5"),
        ("sleep", "it was not done after 10 s"),
        ("native", "needs more than 1 s"),
        ("loop", "needs more than 1 s"),
        ("memory", "bytes of memory"),
        ("bug", "KeyError: 'oops"),
    ],
)
def test_a_processor_that_misbehaves_fails_one_source(app: Make, act: str, said: str) -> None:
    bad, fine = source("bad.odd", act), source("fine.odd", "good")
    with Extractor(app(jobs=1, seconds_per_document=1), wall_seconds=10) as extractor:
        results = [result for _, result in extractor.read_many([fine, bad, fine])]
    assert outcome(results[0]).startswith("good pid")
    assert isinstance(results[1], DocumentError)
    assert said in outcome(results[1])
    assert "\n" not in outcome(results[1])
    assert outcome(results[2]).startswith("good pid")


def test_a_worker_is_used_again_and_its_text_is_scrubbed(app: Make) -> None:
    with Extractor(app(jobs=1)) as extractor:
        results = [result for _, result in extractor.read_many([source(f"{n}.odd", "same") for n in range(4)])]
    assert len({outcome(result) for result in results}) == 1
    assert outcome(results[0]).endswith(" red")
    assert f"pid {os.getpid()} " not in outcome(results[0])


def test_a_module_in_the_current_folder_is_not_imported(app: Make, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('hijacked')")
    with Extractor(app(jobs=1)) as extractor:
        assert outcome(extractor.read(source("a.html", "<p>words</p>"))) == "words"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def workers_of(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(stat[1]) == pid and b"opsvi_cli.rag.worker" in line:
                found.append(int(entry.name))
    return found


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen")


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_its_parent(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "slow.html").write_bytes(SLOW * 3)
    parent = subprocess.Popen(
        [sys.executable, "-m", "opsvi_cli", "extract", "slow.html"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        wait_for(lambda: workers_of(parent.pid))
        (worker,) = workers_of(parent.pid)
        parent.send_signal(number)
        _, said = parent.communicate(timeout=60)
        wait_for(lambda: not alive(worker))
    finally:
        parent.kill()
    assert b"Traceback" not in said
    if number != signal.SIGKILL:
        assert parent.returncode == 128 + number


@linux
def test_leaving_the_extractor_ends_its_workers(app: Make) -> None:
    with Extractor(app(jobs=2)) as extractor:
        results = extractor.read_many([source("a.html", b"<p>x</p>"), source("b.html", SLOW), source("c.html", SLOW)])
        next(results)
        started = workers_of(os.getpid())
        assert started
    assert not any(alive(pid) for pid in started)
    assert not workers_of(os.getpid())
