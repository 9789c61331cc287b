# Pages that are right, wrong and hostile, one at each path.
import http.server
import time

GOOD = '''<!doctype html><title>Good &amp; plain</title>
<h1>Hello</h1><p>One <b>two</b>
three</p><p hidden>not shown</p><script>console.info('Download the React DevTools')</script>
<a href="/blank">Blank</a> <a href="/blank#part">Again</a> <a href="?tab=2">Tab</a>
<a href="https://example.com/">Out</a> <a href="/good">Self</a><a href="javascript:alert(1)">Script</a>'''

PAGES = {
    '/good': GOOD,
    '/blank': '<!doctype html><div id=root style="height:9px"></div><p hidden>x</p><script>var x</script>',
    '/drawn': '<!doctype html><canvas width=20 height=20></canvas>',
    '/shadow': '''<!doctype html><x-a></x-a><script>
document.querySelector('x-a').attachShadow({mode: 'open'}).innerHTML = '<p>from the shadow</p>'</script>''',
    '/late': '''<!doctype html><div id=root></div><script>
setTimeout(() => { root.textContent = 'came late' }, 900)</script>''',
    '/throws': '''<!doctype html><p>text<script>
function inner() { null.x }
inner()</script><script>Promise.reject(new Error('nobody cared'))</script><script>throw 'a text'</script><script>(</script>''',
    '/console': '''<!doctype html><p>text<script>console.warn('not this')
console.error('%s went %cwrong', 'It', 'color: red', 7)
for (let i = 0; i < 9; i++) console.error('again')
console.assert(1 > 2, 'numbers')</script>''',
    '/assets': '''<!doctype html><p>text<script src="/broken.js"></script><img src="/missing.png"><link rel=stylesheet href="/good.css">
<script>fetch('http://localhost:4999/api').catch(() => {})
fetch('/fail').catch(() => {})
const given = new AbortController(); fetch('/slow', {signal: given.signal}).catch(() => {}); given.abort()
fetch('https://outside.example/data').catch(() => {})</script>''',
    '/loop': '<!doctype html><p>before</p><script>for (;;);</script>',
    '/later-loop': '<!doctype html><p>before</p><script>onload = () => setTimeout(() => { for (;;); }, 50)</script>',
    '/alert': '''<!doctype html><p id=said>before</p><script>alert('stop'); said.textContent = String(confirm('sure?')) + prompt('name?')
onbeforeunload = (event) => { event.preventDefault(); return 'stay' }</script>''',
    '/alerts': '<!doctype html><p>before</p><script>for (;;) alert("x".repeat(1e6))</script>',
    '/reload': '<!doctype html><p>text</p><script>location.reload()</script>',
    '/away': '<!doctype html><p>text</p><script>location = "/good?from=away"</script>',
    '/out': '<!doctype html><p>text</p><script>location = "https://outside.example/page"</script>',
    '/bounce': '<!doctype html><p>text</p><script>onload = () => setTimeout(() => location = "/bounce?" + Math.random(), 20)</script>',
    '/popups': '<!doctype html><p>text</p><script>let n = 0; setInterval(() => { if (n++ < 200) open("/good?" + n, "_blank", "width=9") }, 5)</script>',
    '/flood': '<!doctype html><p>text</p><script>setInterval(() => { for (let i = 0; i < 2000; i++) console.error("x".repeat(2000) + Math.random()) }, 0)</script>',
    '/long': '<!doctype html><p>text</p><script>console.error("x".repeat(5e7)); console.error("y".repeat(5e5)); document.title = "z".repeat(1e7)</script>',
    '/deep': '<!doctype html><body><script>let at = document.body; for (let i = 0; i < 400; i++) { const to = document.createElement("div"); at.append(to); at = to } at.textContent = "deep"</script>',
    '/nested': '<!doctype html><body><script>let at = document.body; for (let i = 0; i < 30000; i++) { const to = document.createElement("div"); at.append(to); at = to } at.textContent = "deep"</script>',
    '/memory': '<!doctype html><p>text</p><script>const all = []; for (;;) all.push(new Uint8Array(1 << 24).fill(7))</script>',
    '/fetches': '<!doctype html><p>text</p><script>setInterval(() => fetch("/good?" + Math.random()), 5)</script>',
    '/tampered': '''<!doctype html><p>text</p><script>
Object.prototype.toJSON = () => 'no'; String.prototype.trim = () => { throw 1 }; document.querySelectorAll = null
window.getComputedStyle = null; Array.prototype.push = null; Object.defineProperty(document, 'title', {get() { throw 2 }})</script>''',
    '/stream': '<!doctype html><p>text</p><script>new EventSource("/events"); fetch("/events")</script>',
    '/todo': '''<!doctype html><input id=what><button id=add>Add</button><ul id=list></ul><script>
const kept = JSON.parse(localStorage.kept ?? '[]')
const show = () => { list.innerHTML = kept.map((one) => `<li>${one}`).join('') }
add.onclick = () => { kept.push(what.value); localStorage.kept = JSON.stringify(kept); show() }
show()</script>''',
    '/three': '''<!doctype html><p>text</p><script>
if (!document.createElement('canvas').getContext('webgl2')) throw new Error('no WebGL')</script>''',
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        path = self.path.split('?')[0]
        if path == '/huge':
            return self.huge()
        if path == '/events':
            return self.events()
        if path in ('/never', '/slow'):
            time.sleep(60)
        if path == '/empty':
            return self.answer(204, b'')
        if path == '/gone':
            return self.answer(500, b'')
        if path in ('/broken.js', '/fail'):
            return self.answer(500, b'no')
        if path == '/good.css':
            return self.answer(200, b'p { color: red }', 'text/css')
        page = PAGES.get(path, GOOD if path == '/' else None)
        if page is None:
            return self.answer(404, b'<p>nothing here</p>')
        self.answer(200, page.encode())

    def answer(self, status, content, kind='text/html; charset=utf-8'):
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def huge(self):
        self.send_response(200)
        self.send_header('Content-Type', 'text/html')
        self.send_header('Content-Length', str(50 << 20))
        self.end_headers()
        for _ in range(50):
            self.wfile.write(b'<p>many words ' * ((1 << 20) // 14) + b' ' * ((1 << 20) % 14))

    def events(self):
        self.send_response(200)
        self.send_header('Content-Type', 'text/event-stream')
        self.end_headers()
        while True:
            self.wfile.write(b'data: x\n\n')
            self.wfile.flush()
            time.sleep(1)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(('127.0.0.1', 4100), Handler).serve_forever()
