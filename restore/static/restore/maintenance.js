/* Looks every few seconds whether the restore is over, and then loads what was asked for. */
"use strict";

(() => {
    const EVERY_MS = 4000;

    async function look() {
        try {
            const answer = await fetch(window.location.href, { method: "HEAD", cache: "no-store", redirect: "manual" });
            if (answer.status !== 503) {
                window.location.reload();
                return;
            }
        } catch {
            /* The server is away for a moment; the next look will tell. */
        }
        window.setTimeout(look, EVERY_MS);
    }

    window.setTimeout(look, EVERY_MS);
})();
