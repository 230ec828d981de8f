"""Codes of countries (ISO 3166-1) and of the subdivisions whose law differs (ISO 3166-2).

XK stands for Kosovo, as the European Union uses it. Codes only: names of countries differ by language and are for a
brand's mapping to translate.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_PAIRS = """
    ADAND AEARE AFAFG AGATG AIAIA ALALB AMARM AOAGO AQATA ARARG ASASM ATAUT AUAUS AWABW AXALA AZAZE BABIH
    BBBRB BDBGD BEBEL BFBFA BGBGR BHBHR BIBDI BJBEN BLBLM BMBMU BNBRN BOBOL BQBES BRBRA BSBHS BTBTN BVBVT
    BWBWA BYBLR BZBLZ CACAN CCCCK CDCOD CFCAF CGCOG CHCHE CICIV CKCOK CLCHL CMCMR CNCHN COCOL CRCRI CUCUB
    CVCPV CWCUW CXCXR CYCYP CZCZE DEDEU DJDJI DKDNK DMDMA DODOM DZDZA ECECU EEEST EGEGY EHESH ERERI ESESP
    ETETH FIFIN FJFJI FKFLK FMFSM FOFRO FRFRA GAGAB GBGBR GDGRD GEGEO GFGUF GGGGY GHGHA GIGIB GLGRL GMGMB
    GNGIN GPGLP GQGNQ GRGRC GSSGS GTGTM GUGUM GWGNB GYGUY HKHKG HMHMD HNHND HRHRV HTHTI HUHUN IDIDN IEIRL
    ILISR IMIMN ININD IOIOT IQIRQ IRIRN ISISL ITITA JEJEY JMJAM JOJOR JPJPN KEKEN KGKGZ KHKHM KIKIR KMCOM
    KNKNA KPPRK KRKOR KWKWT KYCYM KZKAZ LALAO LBLBN LCLCA LILIE LKLKA LRLBR LSLSO LTLTU LULUX LVLVA LYLBY
    MAMAR MCMCO MDMDA MEMNE MFMAF MGMDG MHMHL MKMKD MLMLI MMMMR MNMNG MOMAC MPMNP MQMTQ MRMRT MSMSR MTMLT
    MUMUS MVMDV MWMWI MXMEX MYMYS MZMOZ NANAM NCNCL NENER NFNFK NGNGA NINIC NLNLD NONOR NPNPL NRNRU NUNIU
    NZNZL OMOMN PAPAN PEPER PFPYF PGPNG PHPHL PKPAK PLPOL PMSPM PNPCN PRPRI PSPSE PTPRT PWPLW PYPRY QAQAT
    REREU ROROU RSSRB RURUS RWRWA SASAU SBSLB SCSYC SDSDN SESWE SGSGP SHSHN SISVN SJSJM SKSVK SLSLE SMSMR
    SNSEN SOSOM SRSUR SSSSD STSTP SVSLV SXSXM SYSYR SZSWZ TCTCA TDTCD TFATF TGTGO THTHA TJTJK TKTKL TLTLS
    TMTKM TNTUN TOTON TRTUR TTTTO TVTUV TWTWN TZTZA UAUKR UGUGA UMUMI USUSA UYURY UZUZB VAVAT VCVCT VEVEN
    VGVGB VIVIR VNVNM VUVUT WFWLF WSWSM XKXKK YEYEM YTMYT ZAZAF ZMZMB ZWZWE
"""
_BY_CODE = {pair[:2]: pair[:2] for pair in _PAIRS.split()} | {pair[2:]: pair[:2] for pair in _PAIRS.split()}

COUNTRIES = frozenset(pair[:2] for pair in _PAIRS.split())
EEA = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905
)
"""Members of the European Economic Area, where the GDPR applies as such."""

_NAMED = {
    "US": """
    AL Alabama | AK Alaska | AZ Arizona | AR Arkansas | CA California | CO Colorado | CT Connecticut | DE
    Delaware | DC District of Columbia | FL Florida | GA Georgia | HI Hawaii | ID Idaho | IL Illinois | IN
    Indiana | IA Iowa | KS Kansas | KY Kentucky | LA Louisiana | ME Maine | MD Maryland | MA Massachusetts |
    MI Michigan | MN Minnesota | MS Mississippi | MO Missouri | MT Montana | NE Nebraska | NV Nevada | NH New
    Hampshire | NJ New Jersey | NM New Mexico | NY New York | NC North Carolina | ND North Dakota | OH Ohio |
    OK Oklahoma | OR Oregon | PA Pennsylvania | RI Rhode Island | SC South Carolina | SD South Dakota | TN
    Tennessee | TX Texas | UT Utah | VT Vermont | VA Virginia | WA Washington | WV West Virginia | WI
    Wisconsin | WY Wyoming | AS American Samoa | GU Guam | MP Northern Mariana Islands | PR Puerto Rico | VI
    Virgin Islands
    """,
    "CA": """
    AB Alberta | BC British Columbia | MB Manitoba | NB New Brunswick | NL Newfoundland and Labrador | NS Nova
    Scotia | NT Northwest Territories | NU Nunavut | ON Ontario | PE Prince Edward Island | QC Quebec | SK
    Saskatchewan | YT Yukon
    """,
    "AU": """
    ACT Australian Capital Territory | NSW New South Wales | NT Northern Territory | QLD Queensland | SA South
    Australia | TAS Tasmania | VIC Victoria | WA Western Australia
    """,
    "AE": """
    AJ Ajman | AZ Abu Dhabi | DU Dubai | FU Fujairah | RK Ras Al Khaimah | SH Sharjah | UQ Umm Al Quwain
    """,
}
_SUBDIVISION = re.compile(r"[A-Z0-9]{1,3}")


@lru_cache(maxsize=4096)
def country_code(text: str) -> str | None:
    """Return the alpha-2 code for an alpha-2 or alpha-3 code in any case, or None."""
    return _BY_CODE.get(text.strip().upper())


@lru_cache(maxsize=16384)
def subdivision_code(country: str, text: str) -> str | None:
    """Return the ISO 3166-2 code (``US-TX``) of a state or province, or None where `text` is neither code nor name.

    Args:
        country: Alpha-2 code.
        text: A code with or without the country in front; for US, CA, AU and AE also an English name. For other
            countries a text of one to three capitals or digits is taken for a code.
    """
    folded = _fold(text)
    code = folded.upper().removeprefix(f"{country}-")
    named = _names(country)
    if named:
        return f"{country}-{code}" if code in named.values() else _with(country, named.get(folded))
    return f"{country}-{code}" if _SUBDIVISION.fullmatch(code) else None


def _with(country: str, code: str | None) -> str | None:
    return None if code is None else f"{country}-{code}"


@lru_cache(maxsize=8)
def _names(country: str) -> dict[str, str]:
    entries = (entry.strip().partition(" ") for entry in _NAMED.get(country, "").split("|") if entry.strip())
    return {_fold(name): code for code, _, name in entries}


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", " ".join(text.split())).casefold()
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign)).rstrip(".")
