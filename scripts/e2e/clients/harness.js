// Runs a snippet written for a web page of http://localhost:8080 against a host elsewhere, as if that page had loaded it:
//
//     node --experimental-websocket harness.js http://127.0.0.1:45123 websocket.js
//
// The snippet is not changed. What a page would bring is supplied: WebSocket, EventSource, and the page's address. Standard
// output has a JSON array for each call of console.log, and ["event stream", path, data] for each event that comes.
'use strict';

const fs = require('node:fs');
const vm = require('node:vm');

const [address, file] = process.argv.slice(2);
const page = 'http://localhost:8080/';

const write = (...values) => process.stdout.write(JSON.stringify(values) + '\n');
console.log = write;

// A URL of the page's host, with the address of the host under test in its place.
function moved(url) {
    const target = new URL(url, page);
    if (target.host === new URL(page).host) target.host = new URL(address).host;
    return target;
}

const Standard = globalThis.WebSocket;

globalThis.WebSocket = class extends Standard {
    #waiting = [];

    constructor(url, protocols) {
        super(moved(url), protocols);
        this.addEventListener('open', () => {
            for (const data of this.#waiting.splice(0)) super.send(data);
        });
        this.addEventListener('error', (event) => fail(`WebSocket ${url}: ${event.message ?? 'failed'}`));
    }

    // In a console the lines of a snippet are entered one after another, and the socket is open by the time of the
    // second. Here they run at once, when a socket that is still connecting refuses to send.
    send(data) {
        if (this.readyState === Standard.CONNECTING) this.#waiting.push(data);
        else super.send(data);
    }
};

// Section 9.2 of the HTML standard, as far as reading goes: lines, fields, and a message at each empty line.
globalThis.EventSource = class extends EventTarget {
    onopen = null;
    onmessage = null;
    onerror = null;
    readyState = 0;

    constructor(url) {
        super();
        this.url = moved(url).href;
        this.#read().catch((error) => fail(`EventSource ${url}: ${error}`));
    }

    async #read() {
        const response = await fetch(this.url, { headers: { Accept: 'text/event-stream', Origin: new URL(page).origin } });
        const type = response.headers.get('content-type') ?? '';
        if (response.status !== 200 || !type.startsWith('text/event-stream')) throw new Error(`${response.status} ${type}`);
        this.readyState = 1;
        this.#tell(new Event('open'));
        write('event stream', new URL(this.url).pathname);
        const decoder = new TextDecoder();
        let rest = '';
        let fields = { data: [] };
        for await (const chunk of response.body) {
            const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r/);
            rest = lines.pop();
            for (const line of lines) {
                if (line === '') {
                    if (fields.data.length) this.#message(fields);
                    fields = { data: [] };
                } else if (!line.startsWith(':')) {
                    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
                    if (name === 'data') fields.data.push(value);
                    else fields[name] = value;
                }
            }
        }
    }

    #message({ data, event, id }) {
        write('event stream', new URL(this.url).pathname, data.join('\n'));
        this.#tell(new MessageEvent(event ?? 'message', { data: data.join('\n'), lastEventId: id ?? '' }));
    }

    #tell(event) {
        this[`on${event.type}`]?.(event);
        this.dispatchEvent(event);
    }
};

function fail(reason) {
    process.stderr.write(`${reason}\n`);
    process.exit(1);
}

vm.runInThisContext(fs.readFileSync(file, 'utf8'), { filename: file });
