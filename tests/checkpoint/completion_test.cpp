#include <algorithm>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"

using namespace sojourn::tests;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

struct Offer {
    std::string kind;
    std::vector<std::string> words;

    [[nodiscard]] bool has(const std::string& word) const {
        return std::ranges::find(words, word) != words.end();
    }
};

/// What is offered in place of the last of `words`.
Offer offer(const ProcessFixture& fixture, std::vector<std::string> words) {
    words.insert(words.begin(), {"complete", "--"});
    std::istringstream lines(fixture.run(words).out);
    Offer offer;
    std::getline(lines, offer.kind);
    for (std::string line; std::getline(lines, line);)
        offer.words.push_back(line.substr(0, line.find('\t')));
    return offer;
}

/// The verbs that have none below them, as they are typed.
std::vector<std::vector<std::string>> all_verbs(const ProcessFixture& fixture) {
    const std::set<std::string> parents = {"store", "volume", "lease", "inspect"};
    std::vector<std::vector<std::string>> verbs;
    for (const std::string& verb : offer(fixture, {""}).words) {
        if (!parents.contains(verb)) {
            verbs.push_back({verb});
            continue;
        }
        for (const std::string& below : offer(fixture, {verb, ""}).words)
            verbs.push_back({verb, below});
    }
    return verbs;
}

}  // namespace

TEST_CASE("completion offers the verbs, and those below a verb", "[checkpoint]") {
    const ProcessFixture fixture;

    const Offer all = offer(fixture, {""});
    const Offer some = offer(fixture, {"su"});
    const Offer below = offer(fixture, {"--json", "store", ""});

    REQUIRE(all.kind == "words");
    REQUIRE((all.has("run") && all.has("help") && all.has("store")));
    REQUIRE_FALSE(all.has("complete"));
    REQUIRE(some.words == std::vector<std::string>{"suspend"});
    REQUIRE((below.has("init") && below.has("verify")));
    REQUIRE_FALSE(below.has("run"));
}

TEST_CASE("completion offers options, their choices, and what kind of file they take",
          "[checkpoint]") {
    const ProcessFixture fixture;

    REQUIRE(offer(fixture, {"log", "--js"}).words == std::vector<std::string>{"--json"});
    REQUIRE(offer(fixture, {"run", "--validate", "l"}).words == std::vector<std::string>{"lazy"});
    REQUIRE(offer(fixture, {"run", "--validate=l"}).words ==
            std::vector<std::string>{"--validate=lazy"});
    REQUIRE(offer(fixture, {"run", "--dir", ""}).kind == "directories");
    REQUIRE(offer(fixture, {"run", "--name", "job", ""}).kind == "files");
    REQUIRE(offer(fixture, {"run", "prog.wasm", "--js"}).words.empty());
    REQUIRE(offer(fixture, {"run", "--fuel", ""}).words.empty());
    REQUIRE(offer(fixture, {"nobody", "--x", "", "--=", "-"}).kind == "words");
}

TEST_CASE("completion offers processes and their checkpoints", "[checkpoint]") {
    const auto program = guest("endless");
    if (!program) return;
    const ProcessFixture fixture;
    REQUIRE(fixture.run({"run", "--timeout", "100ms", "--name", "job", *program}).exit_code == 124);

    REQUIRE(offer(fixture, {"resume", ""}).words == std::vector<std::string>{"job"});
    REQUIRE(offer(fixture, {"resume", "job@"}).words == std::vector<std::string>{"job@1"});
    REQUIRE(offer(fixture, {"resume", "other@"}).words.empty());
    REQUIRE(offer(fixture, {"--store", fixture.folder() / "none", "resume", ""}).words.empty());
    REQUIRE(offer(fixture, {"ps", ""}).words.empty());
}

TEST_CASE("each verb has examples of its own in its help and its manual page", "[checkpoint]") {
    const ProcessFixture fixture;
    const auto verbs = all_verbs(fixture);
    REQUIRE(verbs.size() > 20);

    for (const auto& verb : verbs) {
        std::vector<std::string> help = {"help"};
        help.insert(help.end(), verb.begin(), verb.end());
        const std::string shown = fixture.run(help).out;
        help.insert(help.begin() + 1, "--man");
        const std::string page = fixture.run(help).out;

        std::string name = "vm";
        for (const std::string& word : verb)
            name += " " + word;
        INFO(name);
        const std::size_t examples = shown.find("Examples:\n");
        REQUIRE(examples != std::string::npos);
        const std::string_view first = std::string_view(shown).substr(examples + 10);
        REQUIRE(first.substr(0, first.find('\n')).find(name) != std::string_view::npos);
        REQUIRE_THAT(page, StartsWith(".TH VM") && Contains(".SH SYNOPSIS") &&
                               Contains(".SH OPTIONS") && Contains(".SH EXAMPLES"));
    }
}
