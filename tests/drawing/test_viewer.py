"""The interactive drawing driven in a real browser: fold, unfold, hover, search, links, keys, themes, hostile text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archdsl import api
from archdsl.analysis.summary import summarise
from archdsl.drawing.viewer import viewer_page
from archdsl.explorer import explored, interactive
from tests.drawing.browser import browser_page
from tests.drawing.models import SAMPLES, gpt, network
from tests.drawing.test_dot import HOSTILE


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browser_page(viewport={"width": 1300, "height": 900}, color_scheme="light") as page:
        page.problems = []
        page.set_default_timeout(5000)
        page.on("console", lambda message: page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda r: page.problems.append(r.url) if not r.url.startswith("file:") else None)
        page.on("dialog", lambda dialog: (page.problems.append(dialog.message), dialog.dismiss()))
        yield page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("viewer")


@pytest.fixture
def show(browser: Any, folder: Path) -> Iterator[Any]:
    """``show(html, "#place")`` opens a file; nothing may have been said or asked for when the test ends."""

    def opened(html: str, fragment: str = "") -> Any:
        path = folder / "page.html"
        path.write_text(html, encoding="utf-8")
        browser.goto("about:blank")
        browser.goto(path.as_uri() + fragment)
        return browser

    browser.problems.clear()
    yield opened
    assert browser.problems == []


GPT2 = "gpt2:gpt2"


def zoo_page(name: str) -> str:
    file, _, model = name.partition(":")
    return interactive(api.load(f"zoo:{file}")[model].summary())


def box(page: Any, text: str) -> Any:
    return page.locator(".item:not(.frame)", has_text=text).first


def frame(page: Any, text: str) -> Any:
    return page.locator(".item.frame > .head", has_text=text).first


def test_blocks_fold_and_unfold(show: Any) -> None:
    page = show(zoo_page(GPT2))
    page.click("#fold")
    assert page.locator(".frame").count() == 0
    assert (
        page.locator("#rows tr").count() == 6
    )  # tok, positions, layers, norm, the tied weight and the head's matmul
    layers = box(page, "layers: gpt_layer ×12")
    assert layers.get_attribute("aria-expanded") == "false"
    assert "7.09 M params, 8.86 G MACs" in layers.inner_text()
    layers.click()
    assert frame(page, "gpt_layer ×12").count() == 1
    box(page, "mha").click()
    assert box(page, "query: linear 768").is_visible()
    assert page.locator(".frame").count() == 2
    frame(page, "gpt_layer ×12").click()
    assert page.locator(".frame").count() == 0
    page.click("#unfold")
    assert page.locator(".frame").count() == 3  # the layer, its attention, its ffn


def test_hovering_tells_shape_figures_and_source(show: Any) -> None:
    page = show(zoo_page(GPT2), "#layers.0.attention.f.query")
    assert page.locator(".chosen").inner_text().strip() == "query: linear 768"
    page.mouse.move(1, 1)
    box(page, "query: linear 768").hover()
    told = page.locator("#tip").inner_text()
    # 768 x 768 weights and 768 biases in each of 12 layers; 1,024 tokens
    assert f"{12 * 768 * 769:,} parameters (12 × {768 * 769:,})" in told
    assert f"{12 * 1024 * 768 * 768:,} MACs" in told
    assert "[B, T, 768] = [1, 1024, 768]" in told
    # query, key and value keep one tensor of 1,024 x 768 floats between them, and query asks first
    assert f"{12 * 1024 * 768 * 4 / 1e6:.3g} MB kept for backward" in told
    assert "std:attention.arch:" in told
    assert "linear(" in told.splitlines()[-1]
    page.locator("header h1").hover()
    assert not page.locator("#tip").is_visible()


def test_links_address_blocks_also_in_later_rounds(show: Any) -> None:
    html = zoo_page(GPT2)
    for place, text in {
        "#layers": "gpt_layer ×12", "#layers.7": "gpt_layer ×12", "#layers.11.attention.f.out": "linear 768",
        "#positions": "positions: embedding 1024, 768", "#norm": "layer norm",
    }.items():  # fmt: skip
        page = show(html, place)
        assert text in page.locator(".chosen").inner_text(), place
    for nowhere in ("#layers.12", "#nothing", "#%E0%A4%A", "#layers.x", "#@3"):
        page = show(html, nowhere)
        assert page.locator(".item").count() > 5
        assert page.locator(".chosen").count() == 0


def test_choosing_writes_the_address(show: Any) -> None:
    page = show(zoo_page(GPT2))
    box(page, "positions: embedding").click()
    assert page.evaluate("location.hash") == "#positions"


def test_search_leads_into_folded_blocks(show: Any) -> None:
    page = show(zoo_page(GPT2))
    page.click("#fold")
    page.keyboard.press("/")
    page.keyboard.type("attention value")
    assert page.locator("#results [role=option]").count() == 1
    page.keyboard.press("Enter")
    assert page.locator(".chosen").inner_text().strip() == "value: linear 768"
    page.fill("#search", "no such thing")
    assert page.locator("#results").inner_text() == "nothing found"
    page.press("#search", "Escape")
    assert not page.locator("#results").is_visible()


def test_everything_can_be_done_with_keys(show: Any) -> None:
    page = show(zoo_page(GPT2))
    page.click("#fold")
    page.locator(".item[tabindex='0']").focus()
    page.keyboard.press("End")
    assert "logits" in page.evaluate("document.activeElement.innerText")
    page.keyboard.press("Home")
    assert "tokens" in page.evaluate("document.activeElement.innerText")
    while "gpt_layer" not in page.evaluate("document.activeElement.innerText"):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-level')") == "2"
    assert page.locator("#tip").is_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "false"
    assert page.locator("[role=treeitem][tabindex='0']").count() == 1
    labels = page.evaluate("[...document.querySelectorAll('.item')].map(e => e.getAttribute('aria-label'))")
    assert all(labels)


def test_the_table_follows_and_leads(show: Any) -> None:
    page = show(zoo_page(GPT2))
    page.click("#fold")
    row = page.locator("#rows tr", has_text="layers.0..11")
    assert row.locator("td").all_inner_texts()[2:] == ["×12", "85.1 M", "68.3%", "106 G"]
    row.locator("button").click()
    assert frame(page, "gpt_layer ×12").count() == 1
    page.locator("#rows tr", has_text="positions").click()
    assert "positions" in page.locator(".chosen").inner_text()
    page.click("#panel")
    assert not page.locator("aside").is_visible()


def test_colours_by_role_and_by_figures(show: Any) -> None:
    page = show(zoo_page(GPT2))
    page.click("#fold")
    assert page.locator("#legend").inner_text().split("\n")[0] == "linear"
    assert "convolution" not in page.locator("#legend").inner_text()
    page.select_option("#colours", "params")
    assert "share5" in box(page, "layers").get_attribute("class")  # 68 %
    assert "share4" in box(page, "embedding 50257").get_attribute("class")  # 31 %
    assert "share0" in box(page, "matmul").get_attribute("class")  # its weight is the embedding's
    page.select_option("#colours", "memory")
    assert "share5" in box(page, "layers").get_attribute("class")
    assert "40 % and more" in page.locator("#legend").inner_text()


def test_dark_and_light(show: Any) -> None:
    page = show(zoo_page(GPT2))
    colour = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(colour) == "rgb(255, 255, 255)"
    page.click("#theme")
    assert page.evaluate(colour) == "rgb(20, 20, 20)"
    page.emulate_media(color_scheme="dark")
    page.reload()
    assert page.evaluate(colour) == "rgb(20, 20, 20)"
    page.click("#theme")
    assert page.evaluate(colour) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="light")


CROSSINGS = """() => {
  const wrong = []
  for (const region of document.querySelectorAll(".region")) {
    const boxes = [...region.children].filter(e => e.classList.contains("item"))
    const sides = boxes.map(b => b.getBoundingClientRect()), around = region.getBoundingClientRect()
    for (const [i, a] of boxes.entries()) {
      const one = sides[i]
      if (one.left < around.left - 1 || one.right > around.right + 1 || one.bottom > around.bottom + 1) wrong.push("out")
      for (const [j, b] of boxes.slice(0, i).entries()) {
        const other = sides[j]
        if (one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom)
          wrong.push(`${a.innerText} covers ${b.innerText}`)
      }
    }
    const frame = region.querySelector("svg").getBoundingClientRect()
    for (const arrow of region.querySelectorAll(":scope > svg > .arrow")) {
      const length = arrow.getTotalLength()
      for (let at = 1; at < length - 1; at += 3) {
        const p = arrow.getPointAtLength(at), x = p.x + frame.left, y = p.y + frame.top
        for (const [i, b] of boxes.entries()) {
          const r = sides[i]
          if (x > r.left + 1 && x < r.right - 1 && y > r.top + 1 && y < r.bottom - 1)
            wrong.push(`${arrow.dataset.from} to ${arrow.dataset.to} crosses ${i}: ${b.innerText.slice(0, 30)}`)
        }
      }
    }
  }
  return [...new Set(wrong)]
}"""


@pytest.mark.parametrize(
    "name",
    ["resnet:resnet50", "transformer:transformer_base", "unet:unet", "inception:inception_v3", "detr:detr"],
)
def test_no_arrow_crosses_a_box_however_much_is_open(show: Any, name: str) -> None:
    page = show(zoo_page(name))
    assert page.evaluate(CROSSINGS) == []
    page.click("#unfold")
    assert page.evaluate(CROSSINGS) == []
    page.click("#fold")
    assert page.evaluate(CROSSINGS) == []


def test_crossings_are_noticed(show: Any) -> None:
    page = show(interactive(summarise(network(SAMPLES["residual"]))))
    page.evaluate("document.querySelector('.arrow').setAttribute('d', 'M0,0L300,900')")
    assert page.evaluate(CROSSINGS) != []


def test_hostile_text_is_shown_and_not_run(show: Any) -> None:
    data = explored(summarise(network(gpt(2))))
    payloads = [
        *HOSTILE,
        "<img src=x onerror=alert(1)>",
        "</script><script>alert(2)</script>",
        "</title><svg onload=alert(3)>",
    ]
    payloads = [text for text in payloads if len(text) < 200]
    region = data["regions"][data["root"]]
    model = dict(region["items"][0])
    region["items"] += [
        model | {"title": text, "lines": [text], "path": text, "at": [i, 90]}
        for i, text in enumerate(payloads)
    ]
    region["tracks"] = [0] * max(len(region["tracks"]), len(payloads))
    region["rows"] += [
        dict(region["rows"][0]) | {"label": text, "name": text, "path": text} for text in payloads
    ]
    data["places"] = [[text, 1, text] for text in payloads] * 9
    data |= {
        "docstring": payloads[-1],
        "name": payloads[-2],
        "conditions": payloads,
        "sizes": {payloads[-1]: 3},
    }
    page = show(viewer_page(payloads[-2], data))
    assert page.title() == payloads[-2]
    assert page.locator("img, iframe, a, object, script:not(#data)").count() == 1  # our own script
    shown = page.evaluate("[...document.querySelectorAll('.item b')].map(e => e.textContent)")
    for text in payloads:
        if text and text.isprintable() and text.isascii():
            assert text in shown
    page.fill("#search", "alert")
    assert page.locator("#results [role=option]").count() >= 3
    page.locator(".item").last.hover()


def test_an_injected_script_is_refused_by_the_page_itself(show: Any, browser: Any) -> None:
    """The second line of defence: whatever got into the page by mistake would not run."""
    page = show(zoo_page(GPT2).replace("<main", "<script>window.ran = 1</script><main", 1))
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for text in browser.problems)
    browser.problems.clear()
