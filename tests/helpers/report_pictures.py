"""Takes the pictures of docs/report from a report, in a headless Chromium.

python tests/helpers/report_pictures.py REPORT.html [docs/report]
"""

import sys
import time
from pathlib import Path

from browser import browser, open_page, wait

PICTURES = {  # name: (width, height, dark, phone, what to do first)
    'light': (1240, 1250, False, False, ''),
    'dark': (
        1240,
        1000,
        True,
        False,
        "document.querySelector('#mistakes').scrollIntoView({behavior: 'instant'})",
    ),
    'joints': (
        1240,
        1100,
        False,
        False,
        "document.querySelector('#joints').scrollIntoView({behavior: 'instant'})",
    ),
    'player': (1000, 880, True, False, "document.querySelector('#mistakes .card').click()"),
    'phone': (390, 844, False, True, ''),
    'phone-player': (390, 844, True, True, "document.querySelector('#mistakes .card').click()"),
}


def main(report: str, folder: str = 'docs/report') -> None:
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    with browser() as driver:
        for name, (width, height, dark, phone, first) in PICTURES.items():
            open_page(driver, Path(report).resolve(), width, height, dark, phone)
            driver.execute_script(first)
            if 'player' in name:
                wait(driver, "return Number(document.querySelector('#player-scrub').value) > 12")
            time.sleep(0.5)  # pictures of clips are drawn as they come into view
            driver.save_screenshot(str(out / f'{name}.png'))
            print(f'wrote {out / name}.png ({(out / f"{name}.png").stat().st_size / 1e3:.0f} kB)')


if __name__ == '__main__':
    main(*sys.argv[1:])
