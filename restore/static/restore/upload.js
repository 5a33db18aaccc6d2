/* Sends a file in pieces, in order. The server says what it has; after a broken connection, or a reload
   with the same file chosen again, the upload goes on from there. */
"use strict";

(() => {
    const PREFIX = "restore-upload:";
    const LONGEST_WAIT_MS = 30000;
    const RATE_WINDOW_MS = 10000;
    const AWAY = [0, 502, 503, 504];

    class Refused extends Error {
        constructor(said) {
            super(said.message);
            this.hint = said.hint || "";
            this.code = said.code || "";
            this.file = said.file || "";
        }
    }

    class SignedOut extends Error {}
    class Away extends Error {}
    class Stopped extends Error {}

    /* One request; JSON comes back. XMLHttpRequest, as fetch does not tell how much was sent. */
    function ask(method, url, { body = null, headers = {}, onSent = null, begun = null } = {}) {
        return new Promise((resolve, reject) => {
            const request = new XMLHttpRequest();
            request.open(method, url);
            request.setRequestHeader("Accept", "application/json");
            for (const [name, value] of Object.entries(headers)) {
                request.setRequestHeader(name, value);
            }
            if (onSent) {
                request.upload.addEventListener("progress", (event) => onSent(event.loaded));
            }
            request.addEventListener("abort", () => reject(new Stopped()));
            request.addEventListener("error", () => reject(new Away()));
            request.addEventListener("load", () => answered(request, resolve, reject));
            if (begun) {
                begun(request);
            }
            request.send(body);
        });
    }

    function answered(request, resolve, reject) {
        let said = null;
        try {
            said = JSON.parse(request.responseText);
        } catch {
            /* A page instead of JSON: the sign-in page, or a server between that is not ours. */
        }
        if (said && said.refused) {
            /* Not an HTTP error, which the browser would note on its console: the file was looked at. */
            reject(new Refused(said.refused));
        } else if (said && request.status < 300) {
            resolve(said);
        } else if (said && said.error && said.error.code === "upload.offset") {
            resolve({ received: said.received, again: true });
        } else if (said && said.error && said.error.code !== "maintenance" && said.error.code !== "upload.busy" && said.error.code !== "upload.broken") {
            reject(new Refused(said.error));
        } else if (!said && (request.status === 403 || request.status < 400) && request.status !== 0) {
            reject(new SignedOut());
        } else if (AWAY.includes(request.status) || said) {
            reject(new Away());
        } else if (!said && request.status === 413) {
            /* Not ours: we would have answered in JSON. */
            const form = document.getElementById("rs-upload").dataset;
            reject(new Refused({ message: form.textInFront, hint: form.textInFrontHint }));
        } else {
            reject(new Refused({ message: `${request.status} ${request.statusText}`, hint: "" }));
        }
    }

    class Upload {
        constructor(file, page) {
            this.file = file;
            this.page = page;
            this.key = `${PREFIX}${file.name}:${file.size}:${file.lastModified}`;
            this.received = 0;
            this.waits = 0;
            this.samples = [];
            this.stopped = false;
            this.request = null;
        }

        async run() {
            await this.begin();
            while (this.received < this.file.size) {
                await this.next();
            }
            this.forget();
            this.page.done(this.told.plan_url);
        }

        async begin() {
            this.told = this.told || (await this.known()) || (await this.fresh());
            this.received = this.told.received;
            window.localStorage.setItem(this.key, this.told.state_url);
            if (this.received > 0 && this.received < this.file.size) {
                this.page.goingOn();
            }
            this.page.about(this.told.head);
            this.show(0);
        }

        /* The upload of this very file that was begun before, if the server still has it. */
        async known() {
            const url = window.localStorage.getItem(this.key) || this.page.unfinished(this.file);
            if (!url) {
                return null;
            }
            try {
                const told = await ask("GET", url);
                return told.size === this.file.size ? told : null;
            } catch (error) {
                if (error instanceof Away || error instanceof SignedOut) {
                    throw error;
                }
                this.forget();
                return null;
            }
        }

        fresh() {
            const body = new FormData();
            body.append("name", this.file.name);
            body.append("size", String(this.file.size));
            this.page.addKit(body);
            return ask("POST", this.page.beginUrl, { body, headers: this.page.token() });
        }

        async next() {
            const piece = this.file.slice(this.received, this.received + this.told.piece);
            const said = await ask("POST", this.told.piece_url, {
                body: piece,
                headers: {
                    ...this.page.token(),
                    "Content-Type": "application/octet-stream",
                    "Upload-Offset": String(this.received),
                },
                onSent: (bytes) => this.show(bytes),
                begun: (request) => {
                    this.request = request;
                },
            });
            this.received = said.received;
            this.waits = 0;
            if (!said.again) {
                this.page.about(said.head);
            }
            this.page.said("");
            this.show(0);
        }

        show(sending) {
            const sent = Math.min(this.file.size, this.received + sending);
            const now = performance.now();
            this.samples.push([now, sent]);
            this.samples = this.samples.filter(([at]) => now - at < RATE_WINDOW_MS);
            const [at, before] = this.samples[0];
            const rate = now - at > 500 && sent > before ? ((sent - before) * 1000) / (now - at) : 0;
            this.page.progress(sent, this.file.size, rate);
        }

        /* How long to wait before the next try; longer each time. */
        pause() {
            this.waits += 1;
            this.samples = [];
            return Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.waits);
        }

        forget() {
            window.localStorage.removeItem(this.key);
        }

        async cancel() {
            this.stopped = true;
            if (this.request) {
                this.request.abort();
            }
            this.forget();
            if (this.told) {
                const body = new FormData();
                await ask("POST", this.told.discard_url, { body, headers: this.page.token() }).catch(() => null);
            }
        }
    }

    class Page {
        constructor(form) {
            this.form = form;
            this.text = form.dataset;
            this.beginUrl = form.action;
            this.upload = null;
            this.announced = -1;
            for (const name of ["file", "drop", "refused", "going", "name", "what", "bar", "figures", "state", "go-on", "cancel", "said", "kit-file", "kit-text"]) {
                this[name.replace("-", "_")] = document.getElementById(`rs-${name}`);
            }
            this.said_region = this.said;
            this.said = (text) => {
                this.state.textContent = text;
            };
            this.listen();
        }

        /* The recovery kit, as a file or as text; the server says whether it is one. */
        addKit(body) {
            const file = this.kit_file && this.kit_file.files[0];
            if (file) {
                if (file.size > Number(this.text.kitLimit)) {
                    throw new Refused({ message: this.text.textKitTooLarge });
                }
                body.append("kit_file", file);
            }
            if (this.kit_text && this.kit_text.value.trim()) {
                body.append("kit_text", this.kit_text.value);
            }
        }

        listen() {
            this.file.addEventListener("change", () => this.take(this.file.files));
            this.cancel.addEventListener("click", () => this.stop());
            this.go_on.addEventListener("click", () => this.goOn());
            this.form.addEventListener("submit", (event) => event.preventDefault());
            for (const kind of ["dragenter", "dragover"]) {
                this.drop.addEventListener(kind, (event) => {
                    event.preventDefault();
                    this.drop.classList.add("rs-drop--over");
                });
            }
            for (const kind of ["dragleave", "drop"]) {
                this.drop.addEventListener(kind, () => this.drop.classList.remove("rs-drop--over"));
            }
            this.drop.addEventListener("drop", (event) => {
                event.preventDefault();
                this.take(event.dataTransfer.files);
            });
            window.addEventListener("online", () => this.hurry && this.hurry());
            window.addEventListener("beforeunload", (event) => {
                if (this.upload && !this.upload.stopped) {
                    event.preventDefault();
                }
            });
            /* Over a slow line a file may have been chosen before anybody listened. */
            this.take(this.file.files);
        }

        take(files) {
            const file = files && files[0];
            if (!file || this.upload) {
                return;
            }
            this.refused.hidden = true;
            if (file.size === 0 || file.size > Number(this.text.limit)) {
                this.refuse(new Refused({ message: file.size ? this.text.textTooLarge : this.text.textEmpty }));
                return;
            }
            this.upload = new Upload(file, this);
            this.name.textContent = file.name;
            this.what.hidden = true;
            this.going.hidden = false;
            this.drop.hidden = true;
            this.announce(this.text.textBegun.replace("%s", file.name));
            this.send();
        }

        /* Runs the upload to its end, over broken connections. */
        async send() {
            this.go_on.hidden = true;
            const upload = this.upload;
            while (upload && !upload.stopped) {
                try {
                    await upload.run();
                    return;
                } catch (error) {
                    if (error instanceof Away) {
                        this.said(this.text.textWaiting);
                        await this.sleep(upload.pause());
                        upload.told = null;
                    } else {
                        this.fail(error);
                        return;
                    }
                }
            }
        }

        /* After a new sign-in the old token is worth nothing: take that of a page loaded now. */
        async goOn() {
            try {
                const page = await fetch(window.location.href, { cache: "no-store" });
                const parsed = new DOMParser().parseFromString(await page.text(), "text/html");
                const fresh = parsed.querySelector("[name=csrfmiddlewaretoken]");
                if (fresh) {
                    this.form.querySelector("[name=csrfmiddlewaretoken]").value = fresh.value;
                }
            } catch {
                /* The server is away: the upload itself will say so. */
            }
            this.send();
        }

        fail(error) {
            if (error instanceof Stopped) {
                return;
            }
            if (error instanceof SignedOut) {
                this.said(this.text.textSignedOut);
                this.announce(this.text.textSignedOut);
                this.upload.told = null;
                this.go_on.hidden = false;
                return;
            }
            this.upload.forget();
            this.reset();
            this.refuse(error);
        }

        refuse(error) {
            this.refused.querySelector("[data-file]").textContent = error.file || "";
            this.refused.querySelector("[data-file]").hidden = !error.file;
            this.refused.querySelector("[data-message]").textContent = error.message;
            this.refused.querySelector("[data-hint]").textContent = error.hint || "";
            this.refused.hidden = false;
            this.drop.hidden = false;
            this.file.focus();
        }

        async stop() {
            const upload = this.upload;
            this.reset();
            this.announce(this.text.textStopped);
            if (upload) {
                await upload.cancel();
            }
            this.file.focus();
        }

        reset() {
            if (this.upload) {
                this.upload.stopped = true;
            }
            this.upload = null;
            this.file.value = "";
            this.going.hidden = true;
            this.go_on.hidden = true;
            this.drop.hidden = false;
            this.announced = -1;
            this.said("");
        }

        done(url) {
            this.upload.stopped = true;
            this.said(this.text.textChecking);
            this.announce(this.text.textChecking);
            this.cancel.hidden = true;
            window.location.assign(url);
        }

        goingOn() {
            this.said(this.text.textGoingOn);
            this.announce(this.text.textGoingOn);
        }

        /* What the first piece said: which kind of backup, of when, by whom. */
        about(head) {
            if (head && head.encrypted) {
                this.what.textContent = this.text.textEncrypted;
                this.what.hidden = false;
            }
            if (!head || !head.type) {
                return;
            }
            const kind = head.type === "safe" ? this.text.textSafe : this.text.textComplete;
            const made = new Date(head.created_at);
            const date = Number.isNaN(made.getTime())
                ? head.created_at
                : new Intl.DateTimeFormat(document.documentElement.lang || undefined, { dateStyle: "long", timeStyle: "short" }).format(made);
            const by = this.text.textMade.replace("%(date)s", date).replace("%(name)s", head.created_by || this.text.textNobody);
            if (this.what.hidden) {
                this.announce(`${kind}, ${by}`);
            }
            this.what.textContent = `${kind}, ${by}`;
            this.what.hidden = false;
        }

        progress(sent, whole, rate) {
            this.bar.value = sent / whole;
            const percent = Math.floor((100 * sent) / whole);
            const parts = [`${percent} %`, `${bytes(sent, this.text)} / ${bytes(whole, this.text)}`];
            if (rate > 0) {
                parts.push(this.text.textRate.replace("%s", bytes(rate, this.text)));
                parts.push(this.text.textLeft.replace("%s", duration((whole - sent) / rate, this.text)));
            }
            this.figures.textContent = parts.join(" · ");
            const tenth = Math.floor(percent / 10);
            if (tenth > this.announced) {
                this.announced = tenth;
                if (tenth > 0) {
                    this.announce(`${tenth * 10} %`);
                }
            }
        }

        /* The address of an upload of a file of this name and size that the server listed. */
        unfinished(file) {
            for (const item of document.querySelectorAll("[data-unfinished]")) {
                if (item.dataset.name === file.name && Number(item.dataset.size) === file.size) {
                    return item.dataset.state;
                }
            }
            return null;
        }

        token() {
            return { "X-CSRFToken": this.form.querySelector("[name=csrfmiddlewaretoken]").value };
        }

        announce(text) {
            this.said_region.textContent = text;
        }

        /* Waits, or until the browser says that it is online again. */
        sleep(ms) {
            return new Promise((resolve) => {
                const timer = window.setTimeout(resolve, ms);
                this.hurry = () => {
                    window.clearTimeout(timer);
                    resolve();
                };
            });
        }
    }

    function bytes(count, text) {
        const units = text.textUnits.split(" ");
        let place = 0;
        let value = count;
        while (value >= 1024 && place < units.length - 1) {
            value /= 1024;
            place += 1;
        }
        const digits = place ? 1 : 0;
        const shown = value.toLocaleString(document.documentElement.lang || undefined, {
            minimumFractionDigits: digits,
            maximumFractionDigits: digits,
        });
        return `${shown} ${units[place]}`;
    }

    function duration(seconds, text) {
        if (seconds < 90) {
            return text.textSeconds.replace("%s", Math.max(1, Math.round(seconds)));
        }
        const minutes = Math.round(seconds / 60);
        if (minutes < 90) {
            return text.textMinutes.replace("%s", minutes);
        }
        return text.textHours.replace("%(h)s", Math.floor(minutes / 60)).replace("%(m)s", minutes % 60);
    }

    document.addEventListener("DOMContentLoaded", () => {
        const form = document.getElementById("rs-upload");
        if (form) {
            new Page(form);
        }
    });
})();
