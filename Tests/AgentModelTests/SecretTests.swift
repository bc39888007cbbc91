import AgentModel
import Testing

@Suite struct SecretTests {
    @Test("what may be secret in a URL is masked: user information, the values of a query, a fragment")
    func maskedURLs() {
        for (url, shown) in [
            ("https://h/x?token=abc", "https://h/x?token=****"),
            ("https://h?a=1&api_key=abc&b", "https://h?a=****&api_key=****&b"),
            ("https://h/x#access_token=abc", "https://h/x#****"), ("https://h?t=abc#abc", "https://h?t=****#****"),
            ("https://h?t=1,2,abc", "https://h?t=****"),
            ("https://h?t=abc,https://i?t=abc", "https://h?t=****,https://i?t=****"),
            ("https://h?mail=a@b&token=abc", "https://****@b****"), ("https://u:p?w@h/x?t=abc", "https://****@h/x****"),
            ("what?#", "what?#"),
        ] {
            #expect(Secret.masked(url) == shown)
        }
        #expect(Secret.masked("http://u:p@h/x") == "http://****@h/x")
        #expect(Secret.masked("http://u:p@q@h,https://a:b@c") == "http://****@h,https://****@c")
        #expect(Secret.masked("http://u:p/q@h") == "http://****@h")
        #expect(Secret.masked("admin@example.com") == "admin@example.com")
        #expect(Secret.masked("u:p@h:1", everywhere: true) == "****@h:1")
    }
}
