"""Un browser senza rete, uno solo per tutte le prove di un processo: due insieme, Playwright non li avvia."""

import shutil

import pytest

BROWSER = ("chromium", "chromium-browser", "google-chrome")
OPZIONI = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",  # quattrocento file suoi, a ogni finestra
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="session")
def chromium():
    """Il Chromium della macchina, con ogni nome di rete che porta nel nulla."""
    eseguibile = next((percorso for nome in BROWSER if (percorso := shutil.which(nome))), None)
    if eseguibile is None:
        pytest.skip(f"manca un browser: nessuno fra {', '.join(BROWSER)}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=eseguibile, args=OPZIONI)
        yield browser
        browser.close()
