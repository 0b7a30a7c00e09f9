"""The kinds of personal data that are recognised: a pattern each, and a check that look-alikes fail.

A number counts only when its own checksum holds; what has no checksum (US social security numbers, telephone numbers)
only in its written form, with the ranges that are in use.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

_Check = Callable[[str], int]
"""How many characters of a match, from its start, are the data; False or 0: none."""
# In JSON a line ends with \n: what stands behind it begins there.
_ESCAPE = r"(?<=\\[nrtbf])"
# Neither within a word or number, nor behind a sign that makes it a part of an id, a path or a fraction.
_BEFORE = rf"(?:{_ESCAPE}|(?<![\w@/\\.+&-]))"
_AFTER = r"(?![\w@/=]|\\(?![nrtbf])|[.-]\w)"


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` as it stands in messages, `label` as in `[EMAIL_1]`."""

    name: str
    label: str
    pattern: re.Pattern[str]
    check: _Check

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it stands in a text."""
        for match in self.pattern.finditer(text):
            if length := self.check(match[0]):
                yield match.start(), match.end() if length is True else match.start() + length


def digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def luhn(number: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812)."""
    total = 0
    for position, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


# Names and hosts in any script. What stands before the host of a URL is a login, and is passed over with it.
_EMAIL = (
    r"[A-Za-z][\w+.-]{0,30}://[^\s/?#@]{1,200}@[^\s/?#]*"
    rf"|(?:{_ESCAPE}|(?<![^\W_]|[.+%/@\\-]))[^\W_](?:[\w.%+'-]{{0,62}}[\w+-])?"
    r"@(?:[^\W_](?:[^\W_]|-(?=[^\W_]|-)){0,62}\.){1,6}[^\W\d_]{2,24}(?![^\W_]|[@-]|[.:]\w)"
)
_NO_HOSTS = frozenset({"png", "jpg", "jpeg", "gif", "svg", "webp", "js", "css", "json", "html", "tgz", "gz"}) | {
    "service",
    "socket",
    "timer",
    "target",
}


def _email(text: str) -> bool:
    """Not `icon@2x.png` nor `getty@tty1.service`, nor two dots in a row, nor the login of a URL."""
    return "://" not in text and ".." not in text and text.rpartition(".")[2].lower() not in _NO_HOSTS


# Country codes in use (ITU E.164).
_COUNTRY_CODES = frozenset(
    re.findall(
        r"\d+",
        "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 "
        "82 84 86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 "
        "234 235 236 237 238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 "
        "261 262 263 264 265 266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 "
        "372 373 374 375 376 377 378 380 381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 "
        "508 509 590 591 592 593 594 595 596 597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 "
        "686 687 688 689 690 691 692 850 852 853 855 856 880 886 960 961 962 963 964 965 966 967 968 970 971 972 "
        "973 974 975 976 977 979 992 993 994 995 996 998 ",
    )
)
_PHONE = (
    rf"(?:{_ESCAPE}|(?<![\w+/=-])(?<!\d[.,]))"
    r"(?:\+|00(?=[1-9]))[1-9]\d{0,3}(?:[ ./-]?\(?\d{1,5}\)?){2,6}(?![\w+]|[.,:-]\d)"
)


def _phone(text: str) -> int:
    """An international number: a country code in use, and 9 to 15 digits; `00` needs gaps, as 0049 30 1234567 has.

    Numbers that follow it, such as a date, are left out where that makes it one.
    """
    if text.count(")") > text.count("("):
        text = text.rstrip(")")  # all of it stands in brackets
    if text.startswith("00") and not any(c in " /()-" for c in text):
        return 0
    ends = [len(text), *(m.start() for m in reversed(list(re.finditer(r"(?<=\d)[ ./-]", text))))]
    return next((end for end in ends if _is_phone(text[:end])), 0)


def _is_phone(text: str) -> bool:
    number = digits(text).removeprefix("00")
    if not 9 <= len(number) <= 15 or text.count("(") != text.count(")") or len(set(number)) < 3:
        return False
    if text.count(".") == 1:
        return False  # +48.208490 is a fraction
    return any(number[:length] in _COUNTRY_CODES for length in (1, 2, 3))


_IBAN_LENGTHS: Mapping[str, int] = {
    country: int(length)
    for country, length in re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 "
        "EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 "
        "KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 "
        "PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 "
        "VA22 VG24 XK20 ",
    )
}
_IBAN = _BEFORE + r"[A-Za-z]{2}\d{2}(?:[ \n-]?[A-Za-z0-9]{2,4}){2,8}(?:[ \n-]?[A-Za-z0-9]{1,3})?(?![A-Za-z0-9])"


def _iban(text: str) -> int:
    """As long as its country has them, and the remainder by 97 is 1 (ISO 13616); words behind it are left out."""
    text = text.upper()
    length = _IBAN_LENGTHS.get(text[:2], 0)
    places = [place for place, character in enumerate(text) if character.isalnum()]
    if not length or len(places) < length or ("-" in text and text[4] != "-"):  # a UUID
        return 0
    end = places[length - 1] + 1
    if text[end : end + 1].isalnum():
        return 0
    number = "".join(text[place] for place in places[:length])
    if len(digits(number)) < 10:
        return 0  # words that follow each other
    return end if int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1 else 0


# Not four of the many columns of a table.
_CARD = _BEFORE + r"(?<!\d{4}[ -])[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?![ -]\d{4}(?!\d))" + _AFTER
_CARD_SHORT = _BEFORE + r"3[4-8]\d{2}[ -]?\d{6}[ -]?\d{4,5}" + _AFTER
_CARD_STARTS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}"
)


def _card(text: str) -> bool:
    number = digits(text)
    return bool(_CARD_STARTS.fullmatch(number)) and len(set(number)) > 1 and luhn(number)


_SSN = _BEFORE + r"(?!000|666|9\d\d)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}" + _AFTER
# Numbers that were printed in advertisements and forms.
_SSN_KNOWN = frozenset({"078051120", "219099999", "123456789", "111111111", "222222222", "333333333", "444444444"})


def _ssn(text: str) -> bool:
    number = digits(text)
    return number not in _SSN_KNOWN and len(set(number)) > 2


_TAX_DE = _BEFORE + r"[1-9]\d[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}" + _AFTER


def _tax_de(text: str) -> bool:
    """Of the first ten digits one stands there two or three times, the others once; ISO 7064, MOD 11,10."""
    number = digits(text)
    counts = sorted((number[:10].count(d) for d in set(number[:10])), reverse=True)
    if counts[0] not in (2, 3) or (len(counts) > 1 and counts[1] != 1):
        return False
    product = 10
    for digit in number[:10]:
        rest = (int(digit) + product) % 10 or 10
        product = rest * 2 % 11
    return (11 - product) % 10 == int(number[10])


_NIR = (
    _BEFORE
    + r"[12][ ]?\d\d[ ]?(?:0[1-9]|1[0-2]|[2-9]\d)[ ]?(?:\d\d|2[AB])[ ]?\d{3}[ ]?\d{3}[ ]?(?:[0-8]\d|9[0-7])"
    + _AFTER
)


def _nir(text: str) -> bool:
    """The last two digits are 97 minus the remainder by 97; Corsica's letters stand for numbers."""
    number = text.replace(" ", "").replace("2A", "19").replace("2B", "18")
    return number.isdecimal() and len(number) == 15 and 97 - int(number[:13]) % 97 == int(number[13:])


_DNI = _BEFORE + r"(?:\d{8}|[XYZ]-?\d{7})[ -]?[A-HJ-NP-TV-Z]" + _AFTER
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def _dni(text: str) -> bool:
    """The letter is the remainder by 23; a foreigner's first letter stands for a digit."""
    plain = re.sub(r"[ -]", "", text)
    number = plain[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return len(set(number)) > 1 and _DNI_LETTERS[int(number) % 23] == plain[-1]


_NHS = _BEFORE + r"\d{3}([ -])\d{3}\1\d{4}" + _AFTER


def _nhs(text: str) -> bool:
    """Written 3-3-4; weights 10 to 2, modulo 11."""
    number = digits(text)
    check = 11 - sum(int(d) * w for d, w in zip(number, range(10, 1, -1), strict=False)) % 11
    return len(set(number)) > 2 and check % 11 == int(number[9]) and check != 10


_CF = _BEFORE + r"[A-Z]{6}\d{2}[ABCDEHLMPRST](?:[04][1-9]|[1256]\d|[37][01])[A-Z]\d{3}[A-Z]" + _AFTER
# What the letters A to Z count in odd places.
_CF_WEIGHTS = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def _codice_fiscale(text: str) -> bool:
    def value(character: str, *, odd: bool) -> int:
        letter = "ABCDEFGHIJ"[int(character)] if character.isdigit() else character
        place = ord(letter) - ord("A")
        return _CF_WEIGHTS[place] if odd else place

    total = sum(value(c, odd=position % 2 == 0) for position, c in enumerate(text[:15]))
    return chr(ord("A") + total % 26) == text[15]


_IPV4 = r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)"
_IPV6 = r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])"


def _ip(text: str) -> bool:
    """Addresses that name a connection in the world, not 127.0.0.1 or 10.1.2.3."""
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:
        return False


KINDS: Mapping[str, tuple[Kind, ...]] = {
    "email": (Kind("e-mail address", "EMAIL", re.compile(_EMAIL), _email),),
    "iban": (Kind("IBAN", "IBAN", re.compile(_IBAN), _iban),),
    "card": (Kind("payment card", "CARD", re.compile(f"{_CARD}|{_CARD_SHORT}"), _card),),
    "fr-nir": (Kind("French NIR", "NIR", re.compile(_NIR), _nir),),
    "it-cf": (Kind("Italian codice fiscale", "CODICE_FISCALE", re.compile(_CF), _codice_fiscale),),
    "es-dni": (Kind("Spanish DNI or NIE", "DNI", re.compile(_DNI), _dni),),
    "us-ssn": (Kind("US social security number", "SSN", re.compile(_SSN), _ssn),),
    "de-tax": (Kind("German tax id", "TAX_ID", re.compile(_TAX_DE), _tax_de),),
    "uk-nhs": (Kind("UK NHS number", "NHS", re.compile(_NHS), _nhs),),
    "phone": (Kind("telephone number", "PHONE", re.compile(_PHONE), _phone),),
    "ip": tuple(Kind("IP address", "IP", re.compile(pattern), _ip) for pattern in (_IPV4, _IPV6)),
}
"""By the name that `safety.pii_kinds` takes. Where two match the same text, the earlier one has it."""
ALWAYS = tuple(name for name in KINDS if name != "ip")
"""What is looked for when `safety.pii_kinds` is empty: addresses of machines stand in too many texts that are about
nobody."""
