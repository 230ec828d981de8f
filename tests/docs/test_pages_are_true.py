"""What the pages say about the program is what the program says; what they point to exists."""

import ast
import re
from dataclasses import is_dataclass
from importlib import import_module, util
from pathlib import Path

import pytest
from docs_pages import ROOT, name_of, pages

from cloakroom.cli.main import COMMANDS, load_command

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^\s*```.*?^\s*```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def tool(name):
    specification = util.spec_from_file_location(f"docs_tool_{name}", ROOT / "tools" / f"{name}.py")
    module = util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def commands():
    return tool("commands")


@pytest.fixture(scope="module")
def limits():
    return tool("limits")


def differing(written, page):
    lines = page.splitlines()
    return [line for line in written.splitlines() if line not in lines]


def test_the_page_of_commands_is_the_help_of_the_program(commands):
    page, written = commands.PAGE.read_text("utf-8"), commands.page()
    assert page == written, f"run tools/commands.py; new or changed lines: {differing(written, page)[:10]}"


def test_every_command_has_an_example(commands):
    def is_group(words):
        if words[0] == "version":
            return False
        command = load_command(words[0])
        for word in words[1:]:
            command = command.commands[word]
        return hasattr(command, "commands")

    names = [words for words in commands.commands() if not is_group(words)]
    assert sorted(commands.EXAMPLES) == sorted(" ".join(words) for words in names)


def test_the_table_of_commands_names_what_the_modules_register():
    for name, (module, summary) in COMMANDS.items():
        command = load_command(name)
        assert command.name == name, (name, module)
        assert command.help, name
        assert summary.endswith("."), name


def test_no_help_loses_words_in_square_brackets_to_markup():
    def strings(tree):
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "help" and isinstance(node.value, ast.Constant):
                yield node.value

    lost = [
        f"{path.name}:{text.lineno}"
        for path in sorted((ROOT / "src/cloakroom/cli").glob("*.py"))
        for text in strings(ast.parse(path.read_text("utf-8")))
        if "[" in str(text.value)
    ]
    assert lost == []


def test_every_environment_variable_is_documented(commands):
    found = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"CLOAKROOM_[A-Z_]*[A-Z]", node.value))
    documented = set(re.findall(r"^\| `(CLOAKROOM_\w+)` \|", commands.HEAD, re.MULTILINE))
    assert found == documented


def test_the_page_of_limits_says_what_the_code_holds(limits):
    page, written = limits.PAGE.read_text("utf-8"), limits.page()
    assert page == written, f"run tools/limits.py; new or changed lines: {differing(written, page)[:10]}"


def test_every_dataclass_of_limits_is_on_the_page_of_limits(limits):
    classes = set()
    for path in (ROOT / "src/cloakroom").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Limits"):
                parts = path.relative_to(ROOT / "src").with_suffix("").parts
                classes.add((".".join(parts), node.name))
    assert classes == set(limits.TABLES.values())
    assert all(is_dataclass(getattr(import_module(module), name)) for module, name in classes)


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_link_of_a_page_leads_somewhere(page):
    text = _CODE.sub("", page.read_text("utf-8"))
    broken = []
    for target in _LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def anchors(page: Path) -> set[str]:
    text = re.sub(r"^\s*```.*?^\s*```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", sorted((ROOT / "docs/adr").glob("*.md")), ids=name_of)
def test_every_decision_has_a_status(page):
    found = re.findall(r"^Status: (.*)$", page.read_text("utf-8"), re.MULTILINE)
    assert len(found) == 1
    if "template" not in page.name:
        assert re.fullmatch(r"proposed|accepted|replaced by \d+", found[0])


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_no_page_names_a_package_registry_or_a_path_of_some_machine(page):
    text = page.read_text("utf-8")
    hosts = r"pypi\.|pythonhosted|npmjs|crates\.io|proxy\.golang|artifactory|nexus|simple/?\s*index|index-url"
    paths = r"(?<![\w.])/(?:work|home|root|Users|mnt|tmp/[a-z])\b"
    assert re.findall(hosts, text, re.IGNORECASE) == []
    assert re.findall(paths, text) == []


def test_every_page_is_reachable_from_the_list_of_pages():
    listed = (ROOT / "docs/README.md").read_text("utf-8")
    folders = {"adr", "spec"}
    missing = [
        name_of(page)
        for page in (ROOT / "docs").rglob("*.md")
        if page.parent.name not in folders and page.name != "README.md"
        if f"({page.relative_to(ROOT / 'docs')})" not in listed
    ]
    assert missing == []


WITHOUT_JSON = {
    "duties explain",
    "duties rules check",
    "duties rules show",
    "filing export",
    "filing submitted",
    "register add",
    "register export",  # writes JSON, CSV or PDF by itself
    "serve",  # goes on until told to stop
}


def test_every_command_but_those_named_here_prints_json(commands):
    def parameters(words):
        command = load_command(words[0])
        for word in words[1:]:
            command = command.commands[word]
        return None if hasattr(command, "commands") else {name for item in command.params for name in item.opts}

    without = set()
    for words in commands.commands():
        if words[0] in COMMANDS:
            options = parameters(words)
            if options is not None and "--json" not in options:
                without.add(" ".join(words))
    assert without == WITHOUT_JSON
