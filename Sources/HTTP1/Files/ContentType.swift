/// The content type of a file, by its name: what browsers need to do something with it (the media types that IANA has
/// registered, and those of the HTML standard).
enum ContentType {
    /// Of what nothing is known: a browser offers to save it.
    static let unknown = "application/octet-stream"

    private static let types = [
        "html": "text/html; charset=utf-8", "htm": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
        // RFC 9239.
        "js": "text/javascript; charset=utf-8", "mjs": "text/javascript; charset=utf-8",
        "cjs": "text/javascript; charset=utf-8",
        "txt": "text/plain; charset=utf-8", "md": "text/markdown; charset=utf-8", "csv": "text/csv; charset=utf-8",
        "vtt": "text/vtt; charset=utf-8", "ics": "text/calendar; charset=utf-8",
        "json": "application/json", "map": "application/json", "webmanifest": "application/manifest+json",
        "geojson": "application/geo+json", "jsonld": "application/ld+json",
        "xml": "application/xml", "xhtml": "application/xhtml+xml", "rss": "application/rss+xml",
        "atom": "application/atom+xml", "yaml": "application/yaml", "yml": "application/yaml",
        "wasm": "application/wasm", "pdf": "application/pdf", "zip": "application/zip", "gz": "application/gzip",
        "svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
        "webp": "image/webp", "avif": "image/avif", "apng": "image/apng", "bmp": "image/bmp",
        "ico": "image/vnd.microsoft.icon", "tif": "image/tiff", "tiff": "image/tiff",
        "woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf",
        "mp3": "audio/mpeg", "m4a": "audio/mp4", "ogg": "audio/ogg", "oga": "audio/ogg", "opus": "audio/ogg",
        "wav": "audio/wav", "flac": "audio/flac", "aac": "audio/aac",
        "mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm", "ogv": "video/ogg", "mov": "video/quicktime",
        "m3u8": "application/vnd.apple.mpegurl", "ts": "video/mp2t", "mpd": "application/dash+xml",
        "glb": "model/gltf-binary", "gltf": "model/gltf+json",
    ]

    static func of(_ name: some StringProtocol) -> String {
        guard let dot = name.lastIndex(of: "."), !name[dot...].contains("/") else { return unknown }
        return types[name[name.index(after: dot)...].lowercased()] ?? unknown
    }
}
