"""The words that a facts file may use: data elements and the values of an incident, a holder, a segment, a flag."""

from __future__ import annotations

from typing import Final

__all__ = [
    "CAUSES",
    "FLAGS",
    "HOLDERS",
    "NATURES",
    "SEGMENTS",
    "SERVICE_HARMS",
    "TAKEN",
    "UNKNOWN_PLACE",
]

NATURES: Final = frozenset({"confidentiality", "integrity", "availability"})
CAUSES: Final = frozenset({"external_malicious", "internal_malicious", "external_accident", "internal_accident"})
TAKEN: Final = frozenset({"exfiltrated", "accessed", "possible", "excluded"})
HOLDERS: Final = frozenset({"criminal", "unknown_many", "known_few", "trusted", "none"})
SERVICE_HARMS: Final = frozenset({"none", "minor", "serious", "safety"})
SEGMENTS: Final = frozenset({"general", "minor", "high_spender", "employee", "protected_address", "vulnerable"})

FLAGS: Final = frozenset(
    {
        "adgm",  # established in Abu Dhabi Global Market
        "art27_representative",  # has appointed a representative in the EEA (GDPR Article 27)
        "critical_infrastructure_cn",  # operates critical information infrastructure in China
        "consumer_finance_us",  # falls under the FTC Safeguards Rule
        "database_level_high_il",  # keeps a database of high security level in Israel
        "database_level_medium_il",
        "dfs_regulated_us",  # licensed by the New York Department of Financial Services
        "difc",  # established in the Dubai International Financial Centre
        "financial_undertaking_nl",
        "information_broker_us",  # Georgia's statute reaches only these and public collectors
        "insured_cyber_fr",  # wants a French cyber insurance to pay
        "listed_eu",  # issuer under the Market Abuse Regulation
        "listed_us",  # registered with the SEC
        "nis2",  # essential or important entity
        "online_service_kr",  # online service provider under Korea's Network Act
        "small_agent_br",  # small-scale processing agent under ANPD rules
        "small_business_au",  # below the turnover threshold of the Australian Privacy Act
        "state_body_cn",
        "telecom_provider_gb",  # public electronic communications provider under PECR
    }
)

UNKNOWN_PLACE: Final = "ZZ"
