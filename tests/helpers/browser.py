"""A headless Chromium for tests, Debian's chromium and chromium-driver, driven by Selenium."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CHROMIUM = (
    shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
)
DRIVER = shutil.which('chromedriver')
MISSING = next(
    (
        reason
        for reason, missing in (
            ("Selenium is not installed: pip install -e '.[dev]'", find_spec('selenium') is None),
            ('there is no Chromium here: apt-get install chromium', CHROMIUM is None),
            ('there is no chromedriver here: apt-get install chromium-driver', DRIVER is None),
        )
        if missing
    ),
    None,
)
FLAGS = (
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-dev-shm-usage',
    '--hide-scrollbars',
)


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """A fresh browser; its console and its network requests are recorded."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f'--user-data-dir={profile}', '--window-size=1280,900'):
            options.add_argument(flag)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
        driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        try:
            yield driver
        finally:
            driver.quit()


def open_page(
    driver: Any,
    page: Path,
    width: int | None = None,
    height: int = 900,
    dark: bool = False,
    touch: bool = False,
) -> None:
    """Open a page from the disk, in a window of that size, and wait until its script is through."""
    if width is not None:
        driver.execute_cdp_cmd(
            'Emulation.setDeviceMetricsOverride',
            {
                'width': width,
                'height': height,
                'deviceScaleFactor': 2 if touch else 1,
                'mobile': touch,
            },
        )
    scheme = {'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}
    driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': [scheme]})
    for log in ('browser', 'performance'):
        driver.get_log(log)  # what the empty window did before
    driver.get(page.as_uri())
    wait(driver, "return document.documentElement.dataset.ready === 'yes'")


def wait(driver: Any, script: str) -> Any:
    """The script's answer as soon as it is true."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(driver, 15, poll_frequency=0.05).until(lambda d: d.execute_script(script))


def complaints(driver: Any) -> list[str]:
    """What the console said: errors and warnings, refused requests among them."""
    return [
        entry['message']
        for entry in driver.get_log('browser')
        if entry['level'] in ('SEVERE', 'WARNING')
    ]


def requests(driver: Any) -> list[str]:
    """The addresses that pages asked for, their own from the disk left out."""
    events = [json.loads(entry['message'])['message'] for entry in driver.get_log('performance')]
    urls = [
        event['params']['request']['url']
        for event in events
        if event['method'] == 'Network.requestWillBeSent'
    ]
    return [url for url in urls if not url.startswith(('file:', 'data:', 'blob:', 'about:'))]
