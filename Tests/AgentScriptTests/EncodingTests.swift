import AgentModel
import AgentScript
import LuaRuntime
import NIOCore
import Testing

/// `agenthost.base64`, `.sha256`, `.hmac` and `.url`.
@Suite struct EncodingTests {
    @Test(
        "base64 is that of RFC 4648, there and back",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func base64(text: String, encoded: String) throws {
        #expect(
            try TestScript.evaluate(
                "return agenthost.base64.encode('\(text)'), agenthost.base64.decode('\(encoded)')")
                == [.string(encoded), .string(text)])
    }

    @Test("base64 reads lines, both alphabets and what has no padding")
    func lenientBase64() throws {
        #expect(
            try TestScript.evaluate(
                """
                local bytes = '\\xfb\\xff\\0'
                local url = agenthost.base64.encode(bytes, { url = true })
                return url, agenthost.base64.encode('a', { url = true }), agenthost.base64.decode(url) == bytes,
                  agenthost.base64.decode('Zm9v\\r\\nYmFy\\n'), agenthost.base64.decode('Zg')
                """) == ["-_8A", "YQ", true, "foobar", "f"])
    }

    @Test(
        "what is no base64 is nil and a message",
        arguments: [
            ("Zm9v!", "invalid base64 at byte 4: '!'"),
            ("Z", "invalid base64: 1 bytes that end within a group of four"),
            ("Zg=", "invalid base64: 3 bytes that end within a group of four"),
            ("Zg==Zg==", "invalid base64 at byte 4: there is more after the padding"),
            ("\\xc3\\xa4", "invalid base64 at byte 0: a byte of 195"),
        ])
    func noBase64(text: String, message: String) throws {
        #expect(try TestScript.evaluate("return agenthost.base64.decode('\(text)')") == [.null, .string(message)])
    }

    @Test("large bytes survive base64, and the same in pieces have the same digest")
    func large() throws {
        #expect(
            try TestScript.evaluate(
                """
                local parts = {} for i = 1, 20000 do parts[i] = string.pack('>I4', i * 2654435761 % 4294967296) end
                local bytes = table.concat(parts)
                return agenthost.base64.decode(agenthost.base64.encode(bytes)) == bytes, agenthost.sha256(('a'):rep(1000000))
                """) == [true, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"])
    }

    @Test("sha256 is in hexadecimal digits, or bytes")
    func sha256() throws {
        #expect(
            try TestScript.evaluate(
                "return agenthost.sha256('abc'), #agenthost.sha256('', { raw = true }), agenthost.sha256('')") == [
                    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 32,
                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                ])
    }

    @Test("hmac is that of RFC 4231, with long keys too")
    func hmac() throws {
        #expect(
            try TestScript.evaluate(
                """
                local hmac = agenthost.hmac
                return hmac('Jefe', 'what do ya want for nothing?'), hmac('Jefe', 'what do ya want for nothing?', 'sha512'):sub(1, 32),
                  hmac(('\\xaa'):rep(131), 'Test Using Larger Than Block-Size Key - Hash Key First'),
                  hmac('Jefe', 'what do ya want for nothing?', 'sha1'), #hmac('k', 't', { algorithm = 'sha384', raw = true })
                """) == [
                    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
                    "164b7a7bfcf819e2e395fbe73b56e0a3",
                    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
                    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", 48,
                ])
    }

    @Test("a signature is verified as digits of either case or as bytes, and none is none")
    func verify() throws {
        #expect(
            try TestScript.evaluate(
                """
                local hmac = agenthost.hmac
                local good = hmac('k', 'text')
                return hmac.verify('k', 'text', good), hmac.verify('k', 'text', good:upper()),
                  hmac.verify('k', 'text', hmac('k', 'text', { raw = true })), hmac.verify('k', 'text', hmac('k', 'text', 'sha1'), 'sha1'),
                  hmac.verify('k', 'text', good:sub(1, -2) .. 'x'), hmac.verify('k', 'other', good), hmac.verify('k', 'text', ''),
                  hmac.verify('k', 'text', nil)
                """) == [true, true, true, true, false, false, false, false])
    }

    @Test(
        "misuse names the argument",
        arguments: [
            ("agenthost.sha256(1)", "bad argument 'text' to 'sha256' (string expected, got number)"),
            ("agenthost.sha256('', { hex = true })", "unknown option of 'sha256' 'hex' (known: raw)"),
            ("agenthost.hmac('k')", "bad argument 'text' to 'hmac' (string expected, got nothing)"),
            ("agenthost.hmac('k', 't', 'md5')", #"one of "sha1", "sha256", "sha384", "sha512" expected, got "md5""#),
            ("agenthost.hmac.verfy('k', 't')", "agenthost.hmac has no 'verfy' (did you mean 'verify'?)"),
            ("agenthost.base64.encode({})", "bad argument 'bytes' to 'encode' (string expected, got table)"),
            ("agenthost.url.query('a')", "bad argument 'parameters' to 'query' (table expected, got string)"),
            ("agenthost.url.query({ 'a' })", "names expected, got the key 1"),
            ("agenthost.url.query({ a = { b = 1 } })", "'a': a list expected, it has other keys or holes"),
            (
                "agenthost.url.query({ a = print })",
                "'a': a string, number, boolean or a list of these expected, got function"
            ),
        ])
    func misuse(call: String, message: String) throws {
        let failure = try #require(try TestScript.failure("return \(call)"))
        #expect(failure.hasPrefix("agent.lua:3: ") && failure.contains(message), "\(failure)")
    }

    @Test("percent-encoding leaves the unreserved characters of RFC 3986")
    func percentEncoding() throws {
        #expect(
            try TestScript.evaluate(
                """
                local url = agenthost.url
                return url.encode("Az09-._~ /?#ä+"), url.decode('a%20b%2fc+d'), url.decode('a+b', { form = true }),
                  url.decode(url.encode('\\0\\xff')) == '\\0\\xff'
                """) == ["Az09-._~%20%2F%3F%23%C3%A4%2B", "a b/c+d", "a b", true])
        #expect(
            try TestScript.evaluate("return agenthost.url.decode('ab%2')")
                == [.null, "invalid percent-encoding at byte 2: two digits expected after %"])
    }

    @Test("a query has its names in order, a list as its name several times, and nothing for null")
    func query() throws {
        #expect(
            try TestScript.evaluate(
                """
                return agenthost.url.query({ z = 1, a = 'x y&z', list = { 'b', 'a', 3.5 }, flag = true, none = agenthost.null }),
                  agenthost.url.query({})
                """) == ["a=x%20y%26z&flag=true&list=b&list=a&list=3.5&z=1", ""])
    }

    @Test(
        "a URL is read into its parts",
        arguments: [
            (
                "HTTPS://us%40er:p%3Aw@Example.ORG:8443/a/b%20c?q=1&q=2&x=a%20b#top",
                #"{"fragment":"top","host":"example.org","password":"p:w","path":"/a/b%20c","port":8443,"query":"q=1&q=2&x=a%20b","query_list":[["q","1"],["q","2"],["x","a b"]],"query_params":{"q":"2","x":"a b"},"scheme":"https","user":"us@er"}"#
            ),
            (
                "http://[::1]:80",
                #"{"host":"::1","path":"","port":80,"query_list":[],"query_params":{},"scheme":"http"}"#
            ),
            ("http://h:/", #"{"host":"h","path":"/","query_list":[],"query_params":{},"scheme":"http"}"#),
            ("/a?b", #"{"path":"/a","query":"b","query_list":[["b",""]],"query_params":{"b":""}}"#),
            ("mailto:a@b", #"{"path":"a@b","query_list":[],"query_params":{},"scheme":"mailto"}"#),
            ("file:///etc", #"{"host":"","path":"/etc","query_list":[],"query_params":{},"scheme":"file"}"#),
        ])
    func parts(url: String, json: String) throws {
        let parts = try TestScript.evaluate("return agenthost.json.encode(agenthost.url.parse('\(url)'))")
        #expect(parts == [.string(json)])
    }

    @Test(
        "what is no URL is nil and a message",
        arguments: [
            "http://a b/", "http://h:99999/", "1a:b", "http://exa mple/", "http://[::1/", "http://h\\0/",
            "http://%zz@h/", "http://h::/", "http://:/",
        ])
    func noURL(url: String) throws {
        let result = try TestScript.evaluate("return agenthost.url.parse('\(url)')")
        #expect(result.count == 2 && result[0] == .null && result[1].stringValue?.isEmpty == false)
    }
}
