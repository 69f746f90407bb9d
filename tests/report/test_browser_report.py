"""The page in a real browser: it loads nothing, plays the right clips, and shows texts as text."""

import base64
import re
import time
from pathlib import Path

import numpy as np
import pytest
from browser import MISSING, browser, complaints, open_page, requests, wait
from packed_clips import unpack_clip
from report_data import data_of, made_up_scores, small_clips, two_streams, write_work_dir

from pyskl.annotations import write_annotations
from pyskl.report import ReportOptions, build_report, semantics
from pyskl.report.packing import PackedClip
from pyskl.report.page import safe_json

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
HOSTILE = "<img src=x onerror=\"document.title='caught'\"><script>document.title='caught'</script>"
LONGEST = 3.0  # seconds for 4,562 clips
SECTIONS = 'confusion pairs classes mistakes calibration people map clips curves semantics runs'
IN_CELL = (
    "return [...document.querySelectorAll('#player-clip option')].map((o) => "
    "o.textContent.split(' ')[0])"
)


@pytest.fixture(scope='module')
def driver():
    with browser() as found:
        yield found


@pytest.fixture(scope='module')
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp('page')
    return build_report(two_streams(folder), ReportOptions(title='demo')).path


@pytest.fixture
def page(driver, report):
    open_page(driver, report, 1280)
    yield driver
    assert complaints(driver) == [] and requests(driver) == []  # of whatever the test did


def element(driver, selector):
    from selenium.webdriver.common.by import By

    return driver.find_element(By.CSS_SELECTOR, selector)


def click(driver, selector):
    """A click of the mouse, in the middle of the window."""
    found = element(driver, selector)
    driver.execute_script(
        "arguments[0].scrollIntoView({behavior: 'instant', block: 'center', inline: 'center'})",
        found,
    )
    found.click()


def press(driver, *keys):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    for key in keys:
        ActionChains(driver).send_keys(getattr(Keys, key, key)).perform()


def play(driver):
    """Open the player with the first mistake."""
    driver.execute_script("document.querySelector('#mistakes .card').click()")
    wait(driver, "return document.querySelector('#player-scrub').max > 1")


def theme(driver):
    return driver.execute_script('return document.documentElement.dataset.theme')


def sections(driver):
    return driver.execute_script(
        "return [...document.querySelectorAll('main > section')].map((e) => e.id).join(' ')"
    )


def ink(driver, canvas):
    """How many pixels of a canvas are drawn on."""
    return driver.execute_script(
        'const c = document.querySelector(arguments[0]);'
        "const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
        'return data.filter((v, i) => i % 4 === 3 && v).length',
        canvas,
    )


def cell_with_mistakes(data):
    counts = data['confusion']['counts']
    return max(
        ((k, m) for k in range(len(counts)) for m in range(len(counts)) if k != m),
        key=lambda cell: counts[cell[0]][cell[1]],
    )


def test_the_page_opens_from_the_disk_without_complaint_or_request(page):
    assert page.current_url.startswith('file:') and page.title == 'demo · test report'
    assert sections(page) == SECTIONS


def test_a_request_that_a_page_would_send_is_noticed(driver, report, tmp_path):
    """The policy blocks an injected request, which is seen without the policy."""
    text = report.read_text(encoding='utf-8')
    smuggled = text.replace(
        '<header class="top">', '<img src="http://127.0.0.1:9/x.png"><header class="top">'
    )
    (tmp_path / 'guarded.html').write_text(smuggled, encoding='utf-8')
    open_page(driver, tmp_path / 'guarded.html')
    assert any('Content Security Policy' in line for line in complaints(driver))
    (tmp_path / 'open.html').write_text(
        '<html data-ready="yes"><img src="http://127.0.0.1:9/x.png">'
    )
    open_page(driver, tmp_path / 'open.html')
    wait(driver, "return performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
    assert requests(driver) == ['http://127.0.0.1:9/x.png']


def test_a_click_on_a_cell_plays_its_clips_beside_a_typical_one(page, report):
    data = data_of(report)
    clips = data['clips']
    k, m = cell_with_mistakes(data)
    click(page, f'td[data-true="{k}"][data-predicted="{m}"]')
    there = [i for i, pair in enumerate(zip(clips['label'], clips['pred'])) if pair == (k, m)]
    confident = sorted(there, key=lambda i: -clips['scores'][0][i][clips['shown'][i].index(m)])
    assert page.execute_script(IN_CELL) == [clips['ids'][i] for i in confident]
    wait(
        page,
        "return document.querySelector('#player').open && "
        "document.querySelector('#player-scrub').max > 1",
    )
    typical = data['classes'][m]['typical']
    assert clips['ids'][typical] in element(page, '#caption-right').text
    assert clips['ids'][confident[0]] in element(page, '#caption-left').text
    assert ink(page, '#canvas-left') > 100 and ink(page, '#canvas-right') > 100
    rows = page.execute_script(
        "return [...document.querySelectorAll('.scores tbody th')].map((th) => "
        'th.firstChild.textContent)'
    )
    assert rows == [data['classes'][c]['name'] for c in clips['shown'][confident[0]]]
    before = page.execute_script("return document.querySelector('#player-scrub').value")
    wait(page, f"return document.querySelector('#player-scrub').value !== '{before}'")  # it moves


def test_what_is_drawn_is_where_the_key_points_are(page, report):
    """The script's unpacking against Python's, through the drawing: the same joints lie on ink."""
    data = data_of(report)
    clips = data['clips']
    text = report.read_text(encoding='utf-8').split('id="frames">')[1].split('</script>')[0]
    i = data['mistakes'][0]
    play(page)
    press(page, 'ARROW_RIGHT')  # stops it
    page.execute_script(
        "const s = document.querySelector('#player-scrub'); s.value = 5; s.dispatchEvent(new "
        "Event('input'))"
    )
    start = sum(clips['lengths'][:i])
    content = base64.b64decode(text[start : start + clips['lengths'][i]])
    packed = PackedClip(content, clips['boxes'][i], clips['shapes'][i])
    xy, score = unpack_clip(packed, clips['bits'])
    seen = score > 0
    size = page.execute_script("return document.querySelector('#canvas-left').clientWidth")
    *corner, extent = clips['boxes'][i]
    scale, xy = 0.86 * size / extent, xy - corner
    margin = 0.07 * size + (0.86 * size - xy[seen].max(0) * scale) / 2
    places = (xy[0, 5][seen[0, 5]] * scale + margin).tolist()
    drawn = page.execute_script(
        "const c = document.querySelector('#canvas-left'), r = c.width / c.clientWidth;"
        "const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
        'const at = (x, y) => 4 * (Math.floor(y * r) * c.width + Math.floor(x * r)) + 3;'
        'return arguments[0].map(([x, y]) => data[at(x, y)] > 40)',
        places,
    )
    assert len(places) > 5 and all(drawn)


def test_the_player_obeys_the_keyboard(page, report):
    play(page)
    state = (
        "return [document.querySelector('#player').dataset.playing, "
        "Number(document.querySelector('#player-scrub').value)]"
    )
    press(page, 'ARROW_RIGHT')  # a step stops it
    _, at = page.execute_script(state)
    press(page, 'ARROW_RIGHT', 'ARROW_RIGHT', 'ARROW_LEFT')
    assert page.execute_script(state) == ['false', at + 1]
    press(page, 'SPACE')
    assert page.execute_script(state)[0] == 'true'
    press(page, 'n')
    assert element(page, '#player-sub').text == 'clip 2 of 20'
    press(page, 'p', 'p')
    assert element(page, '#player-sub').text == 'clip 20 of 20'
    press(page, '>')
    assert element(page, '#player-speed').get_attribute('value') == '2'
    press(page, 'ESCAPE')
    assert page.execute_script("return document.querySelector('#player').open") is False


def test_the_matrix_is_walked_with_arrow_keys_and_one_tab_stop(page):
    assert (
        page.execute_script('return document.querySelectorAll(\'.matrix td[tabindex="0"]\').length')
        == 1
    )
    page.execute_script(
        'document.querySelector(\'.matrix td[data-row="0"][data-column="0"]\').click()'
    )
    press(page, 'ESCAPE')
    page.execute_script('document.querySelector(\'.matrix td[tabindex="0"]\').focus()')
    press(page, 'ARROW_RIGHT', 'ARROW_DOWN', 'ARROW_DOWN', 'ARROW_LEFT')
    at = (
        'const t = document.activeElement; return [t.dataset.row, t.dataset.column, t.tabIndex, '
        "t.getAttribute('aria-label')]"
    )
    row, column, tab, label = page.execute_script(at)
    assert (row, column, tab) == ('2', '0', 0) and 'clip' in label
    press(page, 'END', 'HOME')
    assert page.execute_script(at)[:2] == ['2', '0']
    full = (
        "return [...document.querySelectorAll('.matrix td[data-row]')].find((t) => "
        't.dataset.count > 0)'
    )
    page.execute_script(full.replace('return ', 'const t = ') + '; t.focus()')
    press(page, 'ENTER')
    assert page.execute_script("return document.querySelector('#player').open") is True


def test_the_player_is_quiet_and_its_button_says_what_it_does(page, report):
    """What changes 25 times a second is not read aloud; the slider has the position as text."""
    page.execute_script("document.querySelector('#mistakes .card').click()")
    wait(page, "return document.querySelector('#player-scrub').value > 3")
    assert element(page, '#player-play').accessible_name == 'Pause'
    press(page, 'ARROW_RIGHT')
    assert element(page, '#player-play').accessible_name == 'Play'
    at = element(page, '#player-frame').text
    live = (
        "return [...document.querySelectorAll('#player output, #player [aria-live], #player "
        "[role=status]')].map((e) => e.id)"
    )
    assert (
        at.startswith('frame ')
        and element(page, '#player-scrub').get_attribute('aria-valuetext') == at
    )
    assert page.execute_script(live) == ['player-sub']  # which changes with the clip


def test_charts_are_read_with_the_arrow_keys(page, report):
    lines = data_of(report)['curves'][0]['groups']['lr']['lr']
    charts = page.execute_script("return [...document.querySelectorAll('#curves svg.chart')]")
    chart = next(chart for chart in charts if chart.accessible_name.startswith('Learning rate'))
    page.execute_script('arguments[0].focus()', chart)
    press(page, 'HOME', 'ARROW_RIGHT', 'ARROW_RIGHT', 'ARROW_LEFT')
    epoch, rate = lines[1]
    said = chart.get_attribute('aria-valuetext')
    words = page.execute_script(
        "return [...arguments[0].parentElement.querySelectorAll('.value')].map((e) => "
        'e.textContent)',
        chart,
    )
    assert [float(word) for word in words] == pytest.approx([epoch, rate], rel=0.01)
    assert (
        said == f'epoch {words[0]}: learning rate {words[1]}'
        and float(chart.get_attribute('aria-valuenow')) == epoch
    )
    press(page, 'END', 'ARROW_RIGHT')
    assert float(chart.get_attribute('aria-valuenow')) == lines[-1][0]


def test_meanings_are_walked_with_the_arrow_keys(page, report):
    data = data_of(report)
    order = [k for k in data['confusion']['orders']['similarity'] if data['classes'][k]['support']]
    page.execute_script("document.querySelectorAll('#semantics .map')[1].focus()")
    press(page, 'ARROW_DOWN', 'ARROW_DOWN', 'ARROW_RIGHT', 'ARROW_UP')
    a, b, found = order[1], order[1], data['semantics']
    readout = element(page, '#semantics [role=status]')
    assert readout.text == data['classes'][a]['name']
    press(page, 'END', 'ARROW_RIGHT')
    b = order[-1]
    assert readout.text == (
        f'{data["classes"][a]["name"]} and {data["classes"][b]["name"]}: similarity '
        f'{found["similarity"][a][b]:.2f}, confused {100 * found["confusion"][a][b]:.1f} %'
    )
    boxes = [
        [box['x'] + box['width'], box['y']]
        for box in page.execute_script(
            "return [...document.querySelectorAll('#semantics .map, #semantics .mark')].map((e) "
            '=> e.getBoundingClientRect())'
        )
    ]
    for whole, mark in (boxes[:2], boxes[2:]):  # at the right border, in the second row
        assert mark == pytest.approx([whole[0], whole[1] + 320 / len(order)], abs=0.5)
    press(page, 'TAB')
    assert readout.text == ''


def test_words_in_the_matrix_have_contrast_enough(page):
    """WCAG's 4.5 : 1 for every colour that a cell can have, light and dark."""
    shades = page.execute_script(
        (Path(semantics.__file__).parent / 'dom.js').read_text(encoding='utf-8')
        + """
        const found = [];
        for (const theme of ['light', 'dark']) {
          document.documentElement.dataset.theme = theme;
          for (const hue of ['blue', 'orange'])
            for (let i = 0; i <= 1000; i++) found.push(shade(i / 1000, hue));
        }
        return found"""
    )

    def luminance(rgb):
        v = np.array(rgb, float) / 255
        linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
        return linear @ (0.2126, 0.7152, 0.0722)

    worst = 21
    for shade in shades:
        ground = luminance(re.findall(r'\d+', shade['fill']))
        words = luminance([int(shade['text'][i : i + 2], 16) for i in (1, 3, 5)])
        worst = min(worst, (max(ground, words) + 0.05) / (min(ground, words) + 0.05))
    assert len(shades) == 4004 and worst >= 4.5


def test_a_section_that_fails_leaves_the_others_standing(driver, report, tmp_path):
    text, data = report.read_text(encoding='utf-8'), data_of(report)
    data['calibration'].clear()
    before, _, rest = text.partition('id="data">')
    _, _, after = rest.partition('</script>')
    page = tmp_path / 'r.html'
    page.write_text(f'{before}id="data">{safe_json(data)}</script>{after}', encoding='utf-8')
    open_page(driver, page, 1280)
    parts = SECTIONS.replace('calibration ', '')
    assert sections(driver) == parts
    links = driver.execute_script(
        "return [...document.querySelectorAll('nav a')].map((e) => e.hash)"
    )
    assert links == [f'#{part}' for part in parts.split()]
    assert 'could not be drawn' in element(driver, '#notes').text and len(complaints(driver)) == 1


def test_400_classes_are_shown(driver, tmp_path, monkeypatch):
    monkeypatch.setattr(semantics, 'NUM_PERMUTATIONS', 9)
    rng, names = np.random.default_rng(0), [f'c{i}' for i in range(400)]
    ann_file, vectors = tmp_path / 'a.pkl', tmp_path / 'labels.npy'
    clips = [{**clip, 'label': i} for i, clip in enumerate(small_clips(names))]
    write_annotations(ann_file, {}, clips)
    np.save(vectors, rng.normal(size=(400, 8)).astype(np.float32))
    scores = made_up_scores(np.arange(400), 400)
    folder = write_work_dir(
        tmp_path, 'many', ann_file, names, scores, label_embeddings=str(vectors)
    )
    open_page(driver, build_report([folder]).path, 1280)
    assert 'the 100 classes with the most clips' in element(driver, '#semantics').text
    assert ink(driver, '#semantics .heatmap') > 1000 and complaints(driver) == []


def test_sorting_sorts_up_and_down_and_says_so(page, report):
    rows = data_of(report)['classes']

    def order():
        return page.execute_script(
            "return [...document.querySelectorAll('#classes tbody tr')].map((tr) => "
            'Number(tr.dataset.class))'
        )

    for key in ('f1', 'name', 'support'):
        click(page, f'#classes th[data-key="{key}"] button')
        said = element(page, f'#classes th[data-key="{key}"]').get_attribute('aria-sort')
        falling = said == 'descending'
        values = [rows[k][key] for k in order()]
        known = [v for v in values if v is not None]
        assert known == sorted(known, reverse=falling) and None not in values[: len(known)]
        click(page, f'#classes th[data-key="{key}"] button')
        assert element(page, f'#classes th[data-key="{key}"]').get_attribute('aria-sort') != said
        assert [rows[k][key] for k in order()][: len(known)] == sorted(known, reverse=not falling)


def test_the_matrix_shows_shares_or_counts_in_either_order(page, report):
    data = data_of(report)
    diagonal = (
        "return [...document.querySelectorAll('.matrix tbody tr')].map((tr, i) => tr.cells[i + "
        '1].textContent)'
    )
    names = "return [...document.querySelectorAll('.matrix tbody th')].map((th) => th.textContent)"
    order = data['confusion']['orders']['similarity']
    assert page.execute_script(names) == [data['classes'][k]['name'] for k in order]
    page.execute_script(
        'document.querySelector(\'input[value="counts"]\').click(); '
        'document.querySelector(\'input[value="id"]\').click()'
    )
    assert page.execute_script(names) == [row['name'] for row in data['classes']]
    counts = [data['confusion']['counts'][k][k] for k in range(32)]
    assert page.execute_script(diagonal) == [str(n) if n else '' for n in counts]


def test_dark_and_light_follow_the_system_and_the_button(driver, report):
    ground = 'return getComputedStyle(document.body).backgroundColor'
    open_page(driver, report, 1280, dark=True)
    dark = driver.execute_script(ground)
    assert theme(driver) == 'dark'
    click(driver, '#theme')
    assert theme(driver) == 'light' and driver.execute_script(ground) != dark
    open_page(driver, report, 1280, dark=True)
    assert theme(driver) == 'light'  # the chosen one is remembered
    driver.execute_script('localStorage.clear()')


def test_a_phone_needs_no_scrolling_sideways(driver, report):
    open_page(driver, report, 390, 844, touch=True)
    assert driver.execute_script('return document.documentElement.scrollWidth') <= 390
    play(driver)
    assert driver.execute_script(
        "const p = document.querySelector('#player'); return p.scrollWidth <= p.clientWidth"
    )
    open_page(driver, report, 1280)


@pytest.mark.parametrize('width', (1920, 1280, 1180, 1024))
def test_all_32_columns_of_the_matrix_are_in_sight(driver, report, width):
    open_page(driver, report, width)
    right = 'return document.querySelector(arguments[0]).getBoundingClientRect().right'
    last = driver.execute_script(right, '.matrix tr td:last-child')
    assert last <= driver.execute_script(right, '#matrix-box.fits') + 0.5


def test_print_is_light_and_holds_the_whole_matrix_and_every_picture(driver, report):
    open_page(driver, report, 704, dark=True)
    wait(
        driver,
        "return [...document.querySelectorAll('#mistakes canvas')].every((c) => c.width > 0)",
    )
    driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {'media': 'print'})
    driver.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    right = (
        'return Math.max(...[...document.querySelectorAll(arguments[0])].map((e) => '
        'e.getBoundingClientRect().right))'
    )
    assert driver.execute_script(right, '.matrix td, #classes td') <= 704
    assert theme(driver) == 'light'
    driver.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert theme(driver) == 'light'  # of a light system
    driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {'media': ''})


@pytest.mark.parametrize('table', ('.matrix', '#classes table'))
@pytest.mark.parametrize('width', (1280, 390))
def test_headings_of_long_tables_stay_in_sight(driver, report, table, width):
    open_page(driver, report, width, 860)
    top = driver.execute_script(
        """
        document.documentElement.style.scrollBehavior = 'auto';
        const table = document.querySelector(arguments[0]), row = table.tBodies[0].rows[20];
        row.scrollIntoView({block: 'center'});
        const head = table.tHead.rows[0].cells[1];
        return [head.getBoundingClientRect().top, row.getBoundingClientRect().top]""",
        table,
    )
    assert 0 <= top[0] < top[1] < 860


def test_what_scrolls_on_a_phone_takes_the_focus_and_cells_fit_a_finger(driver, report):
    open_page(driver, report, 390, 844, touch=True)
    wide = (
        "return [...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > "
        'e.clientWidth + 1).map((e) => e.tabIndex)'
    )
    assert set(driver.execute_script(wide)) == {0}
    size = (
        'const b = document.querySelector(arguments[0]).getBoundingClientRect(); return [b.width, '
        'b.height]'
    )
    cell = driver.execute_script(size, '.matrix td[data-row]')
    assert min(cell) >= 24
    open_page(driver, report, 1280)


def test_hostile_names_are_text(driver, tmp_path):
    """Class names, clip ids and the title become no element and run no script."""
    names = [f'{HOSTILE} {i}' for i in range(40)]
    folders = two_streams(tmp_path, 40, names=names)
    (tmp_path / 'labels.txt').write_text(''.join(f'{HOSTILE} class {k}\n' for k in range(32)))
    options = ReportOptions(title=HOSTILE, labels=str(tmp_path / 'labels.txt'))
    open_page(driver, build_report(folders, options).path, 1280)
    play(driver)
    time.sleep(0.1)
    assert (
        element(driver, 'h1').get_attribute('textContent') == HOSTILE and driver.title != 'caught'
    )
    assert driver.execute_script("return document.querySelectorAll('img').length") == 0
    assert driver.execute_script("return document.querySelectorAll('script').length") == 3
    assert HOSTILE in driver.execute_script(
        "return document.querySelector('#player-clip').textContent"
    )
    assert complaints(driver) == [] and requests(driver) == []


def test_a_browser_that_wants_calm_gets_a_still_picture(driver, report):
    driver.execute_cdp_cmd(
        'Emulation.setEmulatedMedia',
        {'features': [{'name': 'prefers-reduced-motion', 'value': 'reduce'}]},
    )
    driver.get(report.as_uri())
    wait(driver, "return document.documentElement.dataset.ready === 'yes'")
    play(driver)
    playing = driver.execute_script("return document.querySelector('#player').dataset.playing")
    assert playing == 'false'


@pytest.mark.slow
def test_4562_clips_stay_below_10_MB_and_open_in_3_seconds(driver, tmp_path):
    report = build_report(two_streams(tmp_path, 4562))
    assert report.size < 10_000_000
    seconds = []
    for _ in range(3):  # the machine may be busy: the best of three
        open_page(driver, report.path, 1280)
        wait(driver, "return performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
        seconds.append(
            driver.execute_script(
                "return Math.max(performance.getEntriesByName('ready')[0].startTime, "
                "performance.getEntriesByType('navigation')[0].loadEventEnd) / 1000"
            )
        )
    assert min(seconds) < LONGEST, seconds
    assert complaints(driver) == [] and requests(driver) == []
