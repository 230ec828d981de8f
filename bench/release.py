"""A release of about 100,000 records end to end: request, two approvals, run, opened by the age tool.

.venv/bin/python bench/release.py [--records 260000]
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pyrage

from cloakroom.gate.policy import PrincipalKind
from cloakroom.gate.releases import ReleaseContent
from cloakroom.settings import Settings
from cloakroom.testing.group import GroupPlan, copy_configuration, write_group
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.records.importing import import_file
from cloakroom.use_cases.releases import requests as release_requests
from cloakroom.use_cases.releases import running as releasing
from cloakroom.wiring import initialise

DOMAIN = "coatcheck.example"
FIELDS = ("given_name", "family_name", "email", "street", "city", "postcode", "country", "language")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=260_000)
    records = parser.parse_args().records
    home = Path(tempfile.mkdtemp(prefix="cloakroom-bench-", dir="/tmp")) / "store"
    try:
        home.mkdir()
        copy_configuration(home / "configuration")
        policy = home / "configuration" / "policy.toml"
        policy.write_text(re.sub(r"max_records = (50000|100000)", "max_records = 1000000", policy.read_text()))
        world = write_group(home / "deliveries", GroupPlan(records=records, months=0))
        settings = Settings(home, None, f"file:{home / 'root.key'}", "bench")
        application = initialise(settings, home / "configuration")
        for brand, files in world.files.items():
            for name in files:
                import_file(application, home / "deliveries" / name, brand)
        who = {}
        principals.enrol(application, "app", kind=PrincipalKind.APPLICATION, roles=frozenset({"web_shop"}))
        for name, role in (("m", "marketing_operations"), ("p", "privacy_officer"), ("s", "security_responder")):
            path = principals.enrol(
                application, name, kind=PrincipalKind.PERSON, roles=frozenset({role}), works_through="app"
            )
            assert path is not None
            who[name] = principals.authenticate(application.records, path, at=application.now())
        identity = pyrage.x25519.Identity.generate()
        brand = max(world.records, key=lambda name: world.records[name])
        content = ReleaseContent(
            "campaign", brand, FIELDS, "printer-7", str(identity.to_public()), 1_000_000, reference="CAMPAIGN-7"
        )
        found = release_requests.request_release(application, who["m"], content)
        for name in ("p", "s"):
            release_requests.approve_release(application, who[name], found.id, content.digest)
        target, began = home / "campaign.csv.age", time.perf_counter()
        done = releasing.run_release(application, who["m"], found.id, target, canary_domain=DOMAIN)
        seconds = time.perf_counter() - began
        (home / "key").write_text(str(identity))
        tool = shutil.which("age")
        assert tool is not None, "the age tool is not installed"
        text = subprocess.run([tool, "-d", "-i", home / "key", target], capture_output=True, check=True).stdout
        rows = list(csv.DictReader(io.StringIO(text.decode())))
        canaries = [row for row in rows if row["email"].endswith(f"@{DOMAIN}")]
        assert (len(rows), len(canaries)) == (done.records, done.canaries)
        result = {
            "records": done.records,
            "canaries": done.canaries,
            "seconds": round(seconds, 2),
            "records_per_s": round(done.records / seconds),
            "file_mb": round(target.stat().st_size / 1e6, 1),
            "opened_by": subprocess.run(
                [tool, "--version"], capture_output=True, check=True, text=True
            ).stdout.strip(),
        }
        print(json.dumps(result))
        application.close()
    finally:
        shutil.rmtree(home.parent, ignore_errors=True)


if __name__ == "__main__":
    main()
