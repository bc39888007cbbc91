import Foundation
import TestSupport
import Testing

@testable import Reloading

@Suite("What is watched for a file") struct WatchedPathsTests {
    private func watched(_ folder: ScriptFolder, _ file: String) -> [String: WatchedPaths.Interest] {
        var found: [String: WatchedPaths.Interest] = [:]
        for (directory, interest) in WatchedPaths([folder.path + "/" + file]).directories
        where directory == folder.path || directory.hasPrefix(folder.path + "/") {
            found[String(directory.dropFirst(folder.path.count))] = interest
        }
        return found
    }

    private func link(_ target: String, at name: String, in folder: ScriptFolder) throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/" + name, withDestinationPath: target)
    }

    @Test("its directory, and every one above it by the entry that leads there") func plain() throws {
        let folder = try ScriptFolder(["a/b/c.lua": ""])
        #expect(
            watched(folder, "a/b/c.lua") == ["": .entries(["a"]), "/a": .entries(["b"]), "/a/b": .everything])
        let above = WatchedPaths([folder.path + "/a/b/c.lua"]).directories["/"]
        #expect(above != nil && above != .everything)
    }

    @Test("the directories of all links on the way, and where they lead") func links() throws {
        let folder = try ScriptFolder(["..one/agent.lua": ""])
        try link("..one", at: "..data", in: folder)
        try link("..data/agent.lua", at: "agent.lua", in: folder)
        #expect(watched(folder, "agent.lua") == ["": .everything, "/..one": .everything])
        try link(folder.path + "/..data", at: "absolute", in: folder)
        #expect(watched(folder, "absolute/agent.lua") == ["": .everything, "/..one": .everything])
    }

    @Test("where it will appear, while the way to it is not there") func absent() throws {
        let folder = try ScriptFolder(["a/x.lua": ""])
        #expect(watched(folder, "a/lib/deep/m.lua") == ["": .entries(["a"]), "/a": .entries(["lib"])])
        #expect(watched(folder, "a/./../a/m.lua") == ["": .entries(["a"]), "/a": .everything])
    }

    @Test("a cycle of links ends") func cycle() throws {
        let folder = try ScriptFolder([:])
        try link("two", at: "one", in: folder)
        try link("one", at: "two", in: folder)
        #expect(watched(folder, "one/m.lua") == ["": .everything])
    }
}
