"""The sign-in page in a real browser: a virtual authenticator over the DevTools protocol, by keyboard alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import httpx
import pytest
from openid_provider import Provider
from people_world import admit_people, approve
from service_world import World, new_world

from cloakroom.use_cases.people.passkey_enrolment import link_subject
from cloakroom.web.pages.sign_in import CONTENT_SECURITY_POLICY
from free_ports import free_port

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions  # noqa: E402

from patience import PATIENCE, wait_until  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="chromium and its driver are not installed"),
]


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    running = Provider()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def site(store_template, tmp_path_factory, provider) -> Iterator[tuple[World, str]]:
    """A served store, addressed as localhost: the one name that browsers take for a secure place without TLS."""
    with new_world(store_template, tmp_path_factory.mktemp("site")) as world:
        port = free_port()
        origin = f"http://localhost:{port}"
        admit_people(world, origin, provider.configuration(f"{origin}/sign-in"))
        application = world.open("setup")
        link_subject(application, "privacy", "corp", "subject-7")
        application.close()
        world.start("--authority", f"localhost:{port}", "--authority", f"127.0.0.1:{port}", port=port)
        yield world, origin


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    started.set_page_load_timeout(30)
    started.set_script_timeout(30)
    yield started
    started.quit()


def add_authenticator(browser) -> None:
    options = VirtualAuthenticatorOptions()
    options.protocol, options.transport = "ctap2", "internal"
    options.has_resident_key = options.has_user_verification = options.is_user_verified = True
    browser.add_virtual_authenticator(options)


def shown(browser, name: str) -> str:
    try:
        found = browser.find_element(By.ID, name)
        return found.text if found.is_displayed() else ""
    except (NoSuchElementException, StaleElementReferenceException):
        return ""  # the browser is on its way to another page


def status(browser) -> str:
    return browser.find_element(By.ID, "status").text


def await_text(browser, name: str, text: str) -> None:
    wait_until(lambda: text in shown(browser, name), lambda: f"{status(browser)} {browser.get_log('browser')}")


def press(browser, name: str) -> None:
    """Reach a button by the keyboard and press it."""
    for _ in range(12):
        active = browser.switch_to.active_element
        if active.get_attribute("id") == name or active.text == name:
            active.send_keys(Keys.ENTER)
            return
        webdriver.ActionChains(browser).send_keys(Keys.TAB).perform()
    raise AssertionError(f"{name} is not reached by the keyboard")


def enrol_in(browser, world: World, origin: str, name: str) -> None:
    browser.get(f"{origin}/sign-in")
    wait_until(lambda: browser.find_element(By.ID, "enrol").is_displayed())
    browser.find_element(By.ID, "principal").send_keys(name, Keys.ENTER)
    await_text(browser, "status", "waits for approval")
    passkey = {"id": shown(browser, "passkey"), "fingerprint": shown(browser, "fingerprint")}
    approve(world, passkey, "security", "second-privacy")


def test_somebody_enrols_signs_in_stays_through_a_reload_and_signs_out(site, browser):
    world, origin = site
    add_authenticator(browser)
    enrol_in(browser, world, origin, "associate")
    press(browser, "with-passkey")
    await_text(browser, "who", "associate")
    assert shown(browser, "until")
    assert shown(browser, "with") == "passkey"
    browser.refresh()
    await_text(browser, "who", "associate")
    press(browser, "sign-out")
    await_text(browser, "status", "Signed out.")
    assert shown(browser, "who") == ""
    assert [item["level"] for item in browser.get_log("browser") if item["level"] == "SEVERE"] == []
    signed_in = [item for item in world.entries() if item.operation == "sign-in" and item.permitted]
    assert [item.lineage for item in signed_in] == ["associate"]


def test_the_key_of_the_session_does_not_leave_the_browser_and_no_cookie_is_set(site, browser):
    world, origin = site
    add_authenticator(browser)
    enrol_in(browser, world, origin, "second-associate")
    press(browser, "with-passkey")
    await_text(browser, "who", "second-associate")
    extractable = browser.execute_async_script(
        """
        const done = arguments[0];
        indexedDB.open("cloakroom-sign-in").onsuccess = (event) => {
          const store = event.target.result.transaction("kept").objectStore("kept");
          store.get("session").onsuccess = (found) => done(found.target.result.key.private.extractable);
        };"""
    )
    assert extractable is False
    assert browser.get_cookies() == []


def test_a_session_that_was_revoked_elsewhere_is_shown_as_ended(site, browser):
    world, origin = site
    add_authenticator(browser)
    enrol_in(browser, world, origin, "marketing")
    press(browser, "with-passkey")
    await_text(browser, "who", "marketing")
    with world.client("security") as client:
        client.revoke_sessions(principal="marketing", purpose="containment")
    browser.refresh()
    await_text(browser, "status", "The session has ended.")


def test_somebody_signs_in_at_the_provider_and_the_address_bar_keeps_nothing(site, browser):
    _, origin = site
    browser.get(f"{origin}/sign-in")
    wait_until(lambda: "Valmont account" in browser.find_element(By.ID, "providers").text)
    press(browser, "Sign in with Valmont account")
    await_text(browser, "who", "privacy")
    assert browser.current_url == f"{origin}/sign-in"


def test_an_answer_that_another_browser_asked_for_is_neither_used_nor_kept(site, browser):
    world, origin = site
    before = len([item for item in world.entries() if item.operation == "sign-in"])
    browser.get(f"{origin}/sign-in?code=stolen&state=c-{'0' * 32}")
    await_text(browser, "status", "was not begun in this browser")
    assert browser.current_url == f"{origin}/sign-in"
    assert len([item for item in world.entries() if item.operation == "sign-in"]) == before


def test_an_authenticator_that_verifies_nobody_does_not_sign_in(site, browser):
    _, origin = site
    options = VirtualAuthenticatorOptions()
    options.protocol, options.transport = "ctap2", "internal"
    options.has_resident_key = options.has_user_verification = True
    options.is_user_verified = False
    browser.add_virtual_authenticator(options)
    browser.get(f"{origin}/sign-in")
    wait_until(lambda: browser.find_element(By.ID, "enrol").is_displayed())
    browser.find_element(By.ID, "principal").send_keys("associate", Keys.ENTER)
    wait_until(lambda: status(browser) not in {"", "One moment…"})
    assert shown(browser, "fingerprint") == ""


def test_the_page_takes_nothing_from_outside_and_forbids_what_it_does_not_need(site):
    _, origin = site
    response = httpx.get(f"{origin}/sign-in", timeout=PATIENCE)
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "set-cookie" not in response.headers
    for path in ("", "/page.js", "/page.css"):
        content = httpx.get(f"{origin}/sign-in{path}", timeout=PATIENCE)
        assert content.headers["cache-control"] == "no-store"
        assert "http://" not in content.text
        assert "https://" not in content.text
    assert "<script>" not in response.text
    assert "style=" not in response.text
    assert "onclick" not in response.text
