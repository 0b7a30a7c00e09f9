"""PDFium as the second reader of a PDF. Native code: it is only called inside a worker with limits."""

from __future__ import annotations

import re
from typing import Any

from opsvi_cli.sdk import JSON, DocumentError, Source

_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?")


class Pdfium:
    """Opens the file when it is first asked for a page."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._document: Any = None

    def _open(self) -> Any:
        if self._document is None:
            import pypdfium2

            try:
                self._document = pypdfium2.PdfDocument(self._source.data, password=self._source.password)
            except pypdfium2.PdfiumError as error:
                raise self._failure(str(error)) from error
        return self._document

    def _failure(self, problem: str) -> DocumentError:
        if "password" in problem.lower():
            what = "the password given for it is wrong" if self._source.password else "it needs a password"
            return DocumentError(
                f"{self._source.name}: {what}", hint="put the password in a file and give --password-file FILE"
            )
        return DocumentError(
            f"{self._source.name} cannot be read as PDF: it is damaged, or no PDF", hint="save or download it again"
        )

    def page_count(self) -> int:
        """Raises DocumentError when the file cannot be opened."""
        return len(self._open())

    def page_text(self, number: int) -> str:
        """The text of page `number` (from 1); empty when PDFium cannot read it."""
        import pypdfium2

        try:
            page = self._open()[number - 1]
            text = page.get_textpage().get_text_bounded()
            page.close()
        except (pypdfium2.PdfiumError, DocumentError, IndexError):
            return ""
        # PDFium writes U+0002 for a hyphen at the end of a line.
        return str(re.sub("[\x02\ufffe]\n?", "", text.replace("\r\n", "\n")))

    def metadata(self) -> dict[str, JSON]:
        """The document information dictionary, dates as ISO-8601."""
        document = self._open()
        names = ("Title", "Author", "Subject", "Keywords", "Creator", "Producer")
        raw = document.get_metadata_dict(skip_empty=True)
        found: dict[str, JSON] = {name.lower(): raw[name].strip() for name in names if raw.get(name, "").strip()}
        for name, ours in (("CreationDate", "created"), ("ModDate", "modified")):
            if match := _DATE.match(raw.get(name, "")):
                year, *rest = match.groups()
                month, day, hour, minute, second = (
                    (part or default) for part, default in zip(rest, "11000", strict=True)
                )
                found[ours] = f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute:0>2}:{second:0>2}"
        return {**found, "pages": len(document), "encrypted": b"/Encrypt" in self._source.data}
