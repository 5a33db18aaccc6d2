/* Small helps for the pages, which work without them: times in the person's own zone, what a screen
   reader should hear, a word when the server is away, a search box that hides rows. */
"use strict";

(() => {
    const inOwnZone = new Intl.DateTimeFormat(document.documentElement.lang || undefined, {
        dateStyle: "medium",
        timeStyle: "short",
    });

    function localise(root) {
        for (const time of root.querySelectorAll("time[data-local]")) {
            const at = new Date(time.dateTime);
            if (!Number.isNaN(at.getTime())) {
                time.title = time.textContent.trim();
                time.textContent = inOwnZone.format(at);
                time.removeAttribute("data-local");
            }
        }
    }

    /* Said only when it changes: a live region that follows every number is unbearable. */
    function announce(root) {
        const source = root.matches("[data-announce]") ? root : root.querySelector("[data-announce]");
        const region = document.getElementById("bk-said");
        if (source && region && region.textContent !== source.dataset.announce) {
            region.textContent = source.dataset.announce;
        }
    }

    function away(isAway) {
        const notice = document.getElementById("bk-away");
        if (notice) {
            notice.hidden = !isAway;
        }
    }

    /* <input type="search" data-filters="#id"> hides the [data-words] in #id that lack a word of it. */
    function filter(box) {
        const wanted = box.value.toLowerCase().split(/\s+/).filter(Boolean);
        const root = document.querySelector(box.dataset.filters);
        let shown = 0;
        for (const row of root.querySelectorAll("[data-words]")) {
            const fits = wanted.every((word) => row.dataset.words.toLowerCase().includes(word));
            row.hidden = !fits;
            shown += fits ? 1 : 0;
        }
        for (const group of root.querySelectorAll("[data-group]")) {
            group.hidden = !group.querySelector("[data-words]:not([hidden])");
        }
        const told = document.querySelector(box.dataset.told);
        if (told) {
            told.textContent = told.dataset.text.replace("0", String(shown));
        }
    }

    /* A second click on a button that has begun something must not begin it twice. */
    function onlyOnce(event) {
        const form = event.target;
        if (form.hasAttribute("data-once")) {
            if (form.dataset.sent) {
                event.preventDefault();
            }
            form.dataset.sent = "yes";
        }
    }

    document.addEventListener("DOMContentLoaded", () => {
        localise(document);
        announce(document.body);
        document.addEventListener("submit", onlyOnce);
        for (const box of document.querySelectorAll("input[data-filters]")) {
            box.addEventListener("input", () => filter(box));
        }
        for (const list of document.querySelectorAll("select[data-submits]")) {
            list.addEventListener("change", () => list.form.requestSubmit());
        }
        document.body.addEventListener("htmx:afterSettle", (event) => {
            away(false);
            localise(document);
            announce(event.target);
        });
        document.body.addEventListener("htmx:beforeSwap", (event) => {
            // Led elsewhere, to the sign-in page for one: the whole page goes there.
            const { xhr, requestConfig } = event.detail;
            if (xhr.responseURL && new URL(xhr.responseURL).pathname !== requestConfig.path) {
                event.detail.shouldSwap = false;
                window.location.reload();
            }
        });
        document.body.addEventListener("htmx:sendError", () => away(true));
        document.body.addEventListener("htmx:responseError", () => away(true));
        document.body.addEventListener("htmx:timeout", () => away(true));
    });

    /* Back to a page that the browser kept: its forms may be sent again. */
    window.addEventListener("pageshow", () => {
        for (const form of document.querySelectorAll("form[data-sent]")) {
            delete form.dataset.sent;
        }
    });
})();
