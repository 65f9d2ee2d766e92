"""XML that came from outside: without a document type, so that no entity is expanded, and within a stated size."""

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser
from zipfile import ZipFile

from dataengine.errors import InputError
from dataengine.files import DAMAGED_ZIP, PARSER_MEMORY_LEAST, bounded_memory

from .archives import is_archive

MEMORY_FACTOR = 40
"""An element with its attributes takes up to this many times its text."""
IN_ARCHIVE = "annotations.xml"


class _PlainBuilder(TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Called before anything that the document type declares is read."""
        raise ParseError("a document type, which could declare entities")


def read_xml(path: Path, largest_bytes: int) -> Element:
    """The root of an XML file, or of `annotations.xml` in a zip.

    Raises:
        InputError: the file is missing, too large, not XML, or declares a document type.
    """
    content = _content(path, largest_bytes)
    if len(content) > largest_bytes:
        raise InputError(f"{path} is too large", expected=f"at most {largest_bytes / 1024**2:.0f} MB of XML")
    try:
        with bounded_memory(MEMORY_FACTOR * len(content) + PARSER_MEMORY_LEAST):
            parser = XMLParser(target=_PlainBuilder())  # noqa: S314  the builder refuses a document type
            parser.feed(content)
            return parser.close()
    except (ParseError, ValueError, LookupError, MemoryError) as error:
        raise InputError(f"{path} cannot be read", expected="an XML file", got=str(error)[:200]) from error


def _content(path: Path, largest_bytes: int) -> bytes:
    if path.exists() and not path.is_file():
        raise InputError(f"{path} cannot be read", expected="an XML file", got="something else")  # a pipe waits
    try:
        if not is_archive(path):
            with path.open("rb") as opened:
                return opened.read(largest_bytes + 1)
        with ZipFile(path) as archive, archive.open(IN_ARCHIVE) as member:
            return member.read(largest_bytes + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist", fix="correct the path") from error
    except (*DAMAGED_ZIP, KeyError) as error:
        raise InputError(f"{path} cannot be read", expected=f"a zip with {IN_ARCHIVE}", got=str(error)[:200]) from error
