"""The contract of `sdk.Processor`."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from opsvi_cli.sdk import Document, DocumentError, Processor, Source

from .contract import Contract, describe, is_text, show
from .watch import watched

MOST_ITEMS = 100_000
NOWHERE = "/opsvi-contract"
"""Sources are given under addresses that do not exist: a processor that opens them is found out."""


def check_processor(processor: Processor, samples: Sequence[Source]) -> None:
    """Hold a processor to its contract: `samples` give documents, damaged and hostile bytes DocumentError at worst.

    Each sample is read several times, whole and in pieces, while file and network access is watched. Without samples
    only hostile bytes are tried. Raises ContractError.
    """
    with Contract(processor) as contract:
        for sample in samples:
            source = _moved(sample)
            first = _read(contract, processor, source, f"reading {source.name}")
            if first is None:
                continue
            documents = [item for item in first if isinstance(item, Document)]
            contract.expect(bool(first), f"{source.name} must give a document", "it gave none")
            contract.expect(
                any(document.text.strip() for document in documents if isinstance(document.text, str))
                or len(documents) < len(first),
                f"{source.name} must give a document with text",
                f"it gave {show(documents)}",
            )
            with watched() as touched:
                again = _read(contract, processor, source, f"reading {source.name} again")
            did = "; ".join(touched[:3])
            contract.expect(not touched, "`read` must not touch disk, network or other programs", f"it {did}")
            contract.expect(again == first, f"{source.name} must give the same documents again", "it gave others")
        for source in _hostile([_moved(sample) for sample in samples]):
            _survive(contract, processor, source)


def _moved(source: Source) -> Source:
    return replace(source, uri=f"{NOWHERE}/{source.name}")


def _read(contract: Contract, processor: Processor, source: Source, doing: str) -> list[Document | Source] | None:
    items: list[Any] | None = None
    with contract.attempt(doing):
        items = list(itertools.islice(processor.read(source), MOST_ITEMS))
    if items is not None:
        _items(contract, source, items)
    return items


def _survive(contract: Contract, processor: Processor, source: Source) -> None:
    """Bytes that make no sense: documents, or a DocumentError that says what to do."""
    promise = "bytes that cannot be read must be refused with DocumentError"
    try:
        items = list(itertools.islice(processor.read(source), MOST_ITEMS))
    except DocumentError as error:
        contract.expect(
            is_text(error.message) and "\n" not in error.message,
            "DocumentError must say in one line what failed",
            f"for {source.name} it says {show(error.message)}",
        )
        contract.expect(is_text(error.hint), "DocumentError must have a hint", f"for {source.name} it has none")
    except (Exception, SystemExit) as error:  # noqa: BLE001
        contract.expect(False, promise, f"for {source.name} it raised {describe(error)}")
    else:
        _items(contract, source, items)


def _items(contract: Contract, source: Source, items: Sequence[Any]) -> None:
    if not contract.expect(len(items) < MOST_ITEMS, "`read` must end", f"{MOST_ITEMS} documents came"):
        return
    parts: list[str] = []
    for item in items:
        if isinstance(item, Document):
            _document(contract, item)
            parts.append(item.part)
        elif isinstance(item, Source):
            _member(contract, source, item)
        else:
            contract.expect(False, "`read` gives Document and Source", f"it gave {show(item)}")
    contract.expect(
        len(parts) == len(set(parts)), "documents of one source must have different `part`s", f"they have {show(parts)}"
    )


def _document(contract: Contract, document: Document) -> None:
    texts = (document.text, document.title, document.media_type, document.part, document.id, *document.warnings)
    if not contract.expect(
        all(isinstance(text, str) for text in texts),
        "text, title, media type, part, id and warnings of a document must be str",
        f"they are {show(texts)}",
    ):
        return
    length = len(document.text)
    before = 0
    for page in document.pages:
        contract.expect(
            0 <= page.start <= page.end <= length, "pages must lie inside the text", f"{show(page)} of {length}"
        )
        contract.expect(page.start >= before, "pages must follow one another", f"{show(page)} begins before {before}")
        before = page.end
    for section in document.sections:
        contract.expect(
            0 <= section.start <= section.end <= length,
            "sections must lie inside the text",
            f"{show(section)} of {length}",
        )
        contract.expect(
            section.level >= 1 and bool(section.path) and all(isinstance(name, str) for name in section.path),
            "a section must have a level from 1 on and its headings",
            f"there is {show(section)}",
        )
    _metadata(contract, document.metadata, "a document")


def _metadata(contract: Contract, metadata: Any, whose: str) -> None:
    promise = f"the metadata of {whose} must be JSON"
    try:
        json.dumps(dict(metadata))
        named = all(isinstance(key, str) for key in metadata)
        contract.expect(named, promise, f"the keys are {show(list(metadata))}")
    except (TypeError, ValueError, RecursionError) as error:
        contract.expect(False, promise, f"it is not: {describe(error)}")


def _member(contract: Contract, source: Source, member: Source) -> None:
    contract.expect(
        isinstance(member.uri, str)
        and member.uri.startswith(f"{source.uri}!")
        and len(member.uri) > len(source.uri) + 1,
        "a member must have the address PARENT!MEMBER",
        f"it has {show(member.uri)}",
    )
    contract.expect(is_text(member.name), "a member must have a name", f"it has {show(member.name)}")
    contract.expect(
        isinstance(member.data, bytes), "the data of a member must be bytes", f"they are {type(member.data).__name__}"
    )
    _metadata(contract, member.metadata, "a member")


def _hostile(samples: Sequence[Source]) -> Iterator[Source]:
    """Bytes of no format, and each sample cut and damaged. The same ones at every run."""
    suffix = f".{samples[0].name.rpartition('.')[2]}" if samples and "." in samples[0].name else ".bin"
    made = samples[0] if samples else Source("", "", b"")
    noise = random.Random(7).randbytes(4096)  # noqa: S311  # noise that is always the same, not a secret
    plain = {
        "empty": b"",
        "blank": b" \n\t\r\n",
        "nul": b"\0" * 64,
        "noise": noise,
        "mark-8": b"\xef\xbb\xbf",
        "mark-16": b"\xff\xfe\x00",
        "broken-utf-8": b"abc \xff\xfe\xc3 \xed\xa0\x80 \n" * 20,
        "deep": b"[" * 5000 + b"<a>" * 5000 + b"{" * 5000,
    }
    for name, data in plain.items():
        yield replace(made, uri=f"{NOWHERE}/{name}{suffix}", name=f"{name}{suffix}", data=data)
    for sample in samples:
        size = len(sample.data)
        damaged = {
            "third": sample.data[: size // 3],
            "half": sample.data[: size // 2],
            "last-byte": sample.data[:-1],
            "tail": sample.data[size // 2 :],
            "flipped": bytes(byte ^ 0x55 if place % 97 == 13 else byte for place, byte in enumerate(sample.data)),
            "with-noise": sample.data[: size // 2] + noise[:64] + sample.data[size // 2 :],
        }
        for what, data in damaged.items():
            name = f"{what}-of-{sample.name}"
            yield replace(sample, uri=f"{NOWHERE}/{name}", name=name, data=data)
