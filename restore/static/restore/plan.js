/* The plan's tables: a search, which unfolds those that lose nothing. And a choice that was changed must be
   planned before it can be confirmed. */
"use strict";

(() => {
    document.addEventListener("DOMContentLoaded", () => {
        const search = document.getElementById("rs-search");
        const tables = document.getElementById("rs-all-tables");
        const folded = document.getElementById("rs-unharmed");
        const shown = document.getElementById("rs-shown");
        const none = document.getElementById("rs-none");

        function show() {
            const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
            let count = 0;
            for (const row of tables.querySelectorAll("[data-words]")) {
                const text = row.dataset.words.toLowerCase();
                const fits = words.every((word) => text.includes(word));
                row.hidden = !fits;
                count += row.hidden ? 0 : 1;
            }
            for (const group of tables.querySelectorAll("[data-group]")) {
                group.hidden = !group.querySelector("[data-words]:not([hidden])");
            }
            if (folded && words.length) {
                folded.open = true;
            }
            none.hidden = count > 0;
            shown.textContent = shown.dataset.text.replace("0", String(count));
        }

        search.addEventListener("input", show);
        if (search.value) {
            show();
        }

        const choices = document.getElementById("rs-choices");
        const boxes = Array.from(choices.querySelectorAll("input[type=checkbox]"));

        function compare() {
            const dirty = boxes.some((box) => box.checked !== box.defaultChecked);
            document.getElementById("rs-dirty").hidden = !dirty;
            document.getElementById("rs-go").hidden = dirty;
        }

        choices.addEventListener("change", compare);
        compare();
    });
})();
