"""Web pages: the main content as Markdown by trafilatura, and by a walk of our own where that finds too little."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from opsvi_cli.sdk import JSON, Document, DocumentError, Services, Source

from .decoding import decode
from .headings import scan, sections
from .html_stream import all_text
from .html_tree import letters, prune, to_markdown, visible_letters
from .quiet import quiet

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MIN_SHARE = 0.15
"""Less than this part of the visible text: the extractor took the page for something else (an index, a table)."""
TREE_SHARE = 0.5
"""Less than this part of the text between the tags: the parser has lost the rest."""
DEPTH_LIMIT = 256
"""libxml2 stops reading a page, without an error, where elements are nested deeper."""
MAX_ATTRIBUTES = 5000
"""libxml2 needs time in the square of the attributes of one tag."""
MAX_ELEMENTS = 50_000
"""Larger pages are lists and logs: trafilatura would use up their time, and has no menus to find in them."""
LARGE_PAGE = 1_000_000
"""libxml2 also stops, without an error, after some ten megabytes of script: worth a look from this size on."""
_LONG_TAG = re.compile(r"<[a-zA-Z][^<>]{20000,}")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{2,40})", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")


class Content(NamedTuple):
    text: str
    title: str
    metadata: dict[str, JSON]
    warnings: tuple[str, ...] = ()


class Html:
    """Reads HTML and XHTML."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def read(self, source: Source) -> Iterator[Document]:
        """Yields one document. Raises DocumentError when there is no text in it."""
        content = read_page(source.data, source.uri)
        if not content.text.strip():
            raise DocumentError(
                f"{source.name} holds no text", hint="a page that scripts fill in must be saved from a browser first"
            )
        found = scan(content.text)
        yield Document(
            content.text,
            title=content.title or next((heading.title for heading in found if heading.level == 1), ""),
            media_type="text/html",
            metadata=content.metadata,
            sections=sections(found, len(content.text)),
            warnings=content.warnings,
        )


def read_page(data: bytes, uri: str) -> Content:
    """The main content of a page, or all of its text where no main content can be told."""
    quiet("trafilatura", "htmldate", "courlan", "charset_normalizer")
    tree = parse(data)
    if tree is None:
        return _unstructured(data)
    title, metadata = _own_metadata(tree, uri)
    depth, elements = prune(tree)
    visible = visible_letters(tree)
    if depth >= DEPTH_LIMIT or not visible or (len(data) > LARGE_PAGE and _lost_text(data, visible)):
        return _unstructured(data, title, metadata)
    text, found_title, found = _main_content(tree) if elements < MAX_ELEMENTS else ("", "", {})
    least = max(MIN_SHARE * visible, 1)
    if letters(text) < least:
        text = to_markdown(tree, uri, main_only=True)
        if letters(text) < least:
            text = to_markdown(tree, uri)
    return Content(text.strip(), found_title or title, {**metadata, **found})


def _lost_text(data: bytes, visible: int) -> bool:
    return visible < len(data) // 5 and visible < TREE_SHARE * letters(all_text(page_text(data)))


def _unstructured(data: bytes, title: str = "", metadata: dict[str, JSON] | None = None) -> Content:
    """All text between the tags, in a warning's company: the tree has lost some of it."""
    text = all_text(page_text(data))
    warning = "too large or too deeply nested for its structure: all of its text was taken, menus included"
    return Content(text, title, metadata or {}, (warning,) if text else ())


def read_fragment(data: bytes, charset: str = "") -> str:
    """All of the text of HTML that is known to be content, such as the body of a mail."""
    quiet("trafilatura")
    tree = parse(data if charset == "" else decode(data, charset).text.encode("utf-8", "replace"), utf8=charset != "")
    if tree is None or prune(tree)[0] >= DEPTH_LIMIT or not visible_letters(tree):
        return all_text(page_text(data))
    return to_markdown(tree, "").strip()


def page_text(data: bytes) -> str:
    """The markup as text, by its marks, by its own `<meta charset>` where the bytes do not contradict it."""
    charset = _META_CHARSET.search(data[:4096])
    return decode(data, charset[1].decode("ascii") if charset else "").text


def parse(data: bytes, *, utf8: bool = False) -> HtmlElement | None:
    """The tree of a page; None when it is not for libxml2: too many attributes, or nothing that it can read."""
    from lxml import etree
    from trafilatura import load_html

    text = data.decode("utf-8") if utf8 else page_text(data)
    if any(tag.count("=") > MAX_ATTRIBUTES or tag.count(" ") > MAX_ATTRIBUTES for tag in _LONG_TAG.findall(text)):
        return None
    page: bytes | str = data
    if utf8 or data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:200]:
        page = _XML_DECLARATION.sub("", text.replace("\0", ""))
    if "<body" not in text[:200_000].lower():  # a fragment, which trafilatura would refuse
        page = f"<html><body>{_XML_DECLARATION.sub('', text)}</body></html>"
    try:
        tree: HtmlElement | None = load_html(page)
    except (ValueError, TypeError, etree.LxmlError):
        return None
    return tree


def _main_content(tree: HtmlElement) -> tuple[str, str, dict[str, JSON]]:
    """(text, title, metadata) as trafilatura finds them (Barbaresi 2021); empty when it gives up."""
    from trafilatura import bare_extraction

    try:
        found = bare_extraction(
            tree,
            fast=True,
            include_comments=False,
            include_formatting=True,
            include_links=True,
            include_tables=True,
            with_metadata=True,
        )
    except Exception:  # noqa: BLE001  # whatever a hostile page does to the library, the walk below still reads it
        return "", "", {}
    if found is None or isinstance(found, dict):
        return "", "", {}
    names = {"author": "author", "date": "date", "sitename": "site", "description": "description"}
    metadata: dict[str, JSON] = {
        ours: value for theirs, ours in names.items() if (value := getattr(found, theirs, None))
    }
    if found.tags:
        metadata["tags"] = [str(tag) for tag in found.tags]
    return found.text or "", " ".join((found.title or "").split()), metadata


def _own_metadata(tree: HtmlElement, uri: str) -> tuple[str, dict[str, JSON]]:
    """Title, language and canonical address. An address of another host is a claim that nobody can check: left out."""
    metadata: dict[str, JSON] = {}
    root = tree.getroottree().getroot()
    if language := (root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang")):
        metadata["language"] = language
    for link in root.iterfind(".//link[@rel='canonical']"):
        base = uri if uri.startswith(("http://", "https://")) else ""
        try:
            address = urljoin(base, link.get("href") or "")
            same_host = not base or urlsplit(address).hostname == urlsplit(base).hostname
        except ValueError:
            continue
        if address.startswith(("http://", "https://")) and same_host:
            metadata["canonical"] = address
            break
    title = root.find(".//title")
    return " ".join((title.text_content() if title is not None else "").split()), metadata
